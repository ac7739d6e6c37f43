import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, type CosmosChain, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { concatHex, hexToBytes, keccak256, toHex } from 'viem'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { signEthTransfer, signMsgSend } from '../support/devnetSign.ts'
import {
  anvilSetup,
  cosmosSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../support/path.ts'

const startLimitMs = 120_000

describe('the whole path to an EVM chain', () => {
  let anvil: Anvil
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>
  const loopback = createLoopback({ seed: 1 })

  beforeAll(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({ blockTimeMs: 300 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil)],
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
  }, startLimitMs)

  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await anvil?.stop()
    await folder?.remove()
  })

  it('until accepted: resolves on the promise of a durable record', async () => {
    const signedTx = await signEthTransfer(anvil, { from: anvil.accounts[0]!, to: address(1), valueWei: 1n })
    const receipt = await client.submit({ chain: anvil.chainId, signedTx, until: 'accepted' })
    expect(receipt.durability).toBe('fsync')
    expect(receipt.txId).toBe(keccak256(signedTx))
    const later = await client.submit({ chain: anvil.chainId, signedTx, until: 'included' })
    expect(later.ok).toBe(true)
  })

  it('until included: gives the block', async () => {
    const signedTx = await signEthTransfer(anvil, { from: anvil.accounts[1]!, to: address(2), valueWei: 1n })
    const receipt = await client.submit({ chain: anvil.chainId, signedTx, until: 'included' })
    const onChain = await anvil.rpc<{ blockNumber: string; gasUsed: string }>('eth_getTransactionReceipt', [
      receipt.txId,
    ])
    expect(receipt.state).toMatchObject({
      inclusion: { height: BigInt(onChain.blockNumber), gasUsed: BigInt(onChain.gasUsed), ok: true },
    })
  })

  it('until final: hears every stage when asked to', async () => {
    const signedTx = await signEthTransfer(anvil, { from: anvil.accounts[2]!, to: address(3), valueWei: 1n })
    const stages: string[] = []
    const receipt = await client.submit(
      { chain: anvil.chainId, signedTx, until: 'final', everyStage: true },
      { onProgress: ({ stage }) => void stages.push(stage) },
    )
    expect(receipt.stage).toBe('final')
    expect(stages[0]).toBe('sending')
    expect(stages).toContain('included')
    expect(stages.at(-1)).toBe('final')
  })

  it('deploys a contract with 24 KB of code', async () => {
    const code = `0x${'5b'.repeat(24_576)}` as const
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[3]!,
      to: undefined as never,
      valueWei: 0n,
      gas: 6_000_000n,
      data: deploying(code),
    })
    const receipt = await client.submit({ chain: anvil.chainId, signedTx })
    expect(receipt.ok).toBe(true)
    const { contractAddress } = await anvil.rpc<{ contractAddress: string }>('eth_getTransactionReceipt', [
      receipt.txId,
    ])
    const deployed = await anvil.rpc<`0x${string}`>('eth_getCode', [contractAddress, 'latest'])
    expect(keccak256(deployed)).toBe(keccak256(code))
    expect(receipt.messages.packetsUp).toBeGreaterThan(15)
  })

  it('a transaction that reverts is included, with its revert data', async () => {
    // PUSH4 0xdeadbeef, left-aligned into memory; REVERT(0, 4).
    const reverting = concatHex(['0x63deadbeef60e01b5f5260045ffd'])
    const from = anvil.accounts[4]!
    const deploy = await signEthTransfer(anvil, {
      from,
      to: undefined as never,
      valueWei: 0n,
      gas: 1_000_000n,
      data: deploying(reverting),
    })
    const deployed = await client.submit({ chain: anvil.chainId, signedTx: deploy })
    const { contractAddress } = await anvil.rpc<{ contractAddress: `0x${string}` }>(
      'eth_getTransactionReceipt',
      [deployed.txId],
    )
    const call = await signEthTransfer(anvil, {
      from,
      to: contractAddress,
      valueWei: 0n,
      gas: 100_000n,
      data: '0x',
    })
    const receipt = await client.submit({ chain: anvil.chainId, signedTx: call })
    expect(receipt.ok).toBe(false)
    expect(receipt.stage).toBe('included')
    expect(receipt.state).toMatchObject({ inclusion: { ok: false, revertData: hexToBytes('0xdeadbeef') } })
  })

  it('tells the status to whoever knows the request id, and nothing to others', async () => {
    const signedTx = await signEthTransfer(anvil, { from: anvil.accounts[5]!, to: address(6), valueWei: 1n })
    const receipt = await client.submit({ chain: anvil.chainId, signedTx })
    const asked = await client.status({ submitId: receipt.requestId, chain: anvil.chainId, signedTx })
    expect(asked.txId).toBe(receipt.txId)
    expect(['included', 'final']).toContain(asked.stage)
    const stranger = client.status(
      { submitId: '00'.repeat(16), chain: anvil.chainId, signedTx },
      { timeoutMs: 5000 },
    )
    await expect(stranger).rejects.toMatchObject({ errorName: 'unknownRequest' })
  })

  it('says what it serves, and answers reads that are on the list', async () => {
    const info = await client.info()
    expect(info.chains).toMatchObject([
      { chain: anvil.chainId, family: 'evm', live: true, finality: 'finalized' },
    ])
    const balance = await client.read({
      chain: anvil.chainId,
      method: 'eth_getBalance',
      params: [address(6), 'latest'],
    })
    expect(balance).toBe(await anvil.rpc('eth_getBalance', [address(6), 'latest']))
    const refused = client.read({
      chain: anvil.chainId,
      method: 'anvil_setBalance',
      params: [address(6), '0x1'],
    })
    await expect(refused).rejects.toMatchObject({ errorName: 'methodNotAllowed', code: 4200 })
  })

  function address(index: number): `0x${string}` {
    return anvil.accounts[index]!.address as `0x${string}`
  }
})

cosmosOrSkip('the whole path to a Cosmos chain', () => {
  let chain: CosmosChain
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>
  const loopback = createLoopback({ seed: 2 })

  beforeAll(async () => {
    folder = await makeFolder()
    chain = await startCosmosChain()
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [cosmosSetup(chain)],
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
  }, startLimitMs)

  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await chain?.stop()
    await folder?.remove()
  })

  it.each(['accepted', 'included', 'final'] as const)('a MsgSend until %s', async (until) => {
    const [from, to] = [chain.accounts[0]!, chain.accounts[1]!]
    const signedTx = await signMsgSend(chain, { from, to: to.address, amount: 7 })
    const receipt = await client.submit({ chain: chain.chainId, signedTx, until })
    if (until === 'accepted') {
      expect(receipt.durability).toBe('fsync')
      await client.submit({ chain: chain.chainId, signedTx, until: 'included' })
    } else {
      expect(receipt.ok).toBe(true)
      const found = await chain.rpc<{ height: string }>('tx', {
        hash: Buffer.from(receipt.txId, 'hex').toString('base64'),
      })
      expect(receipt.state).toMatchObject({ inclusion: { height: BigInt(found.height), code: 0 } })
    }
  })

  it('a transaction that fails in delivery is included, with code and codespace', async () => {
    const from = chain.accounts[2]!
    const signedTx = await signMsgSend(chain, {
      from,
      to: chain.accounts[1]!.address,
      amount: 9_000_000_000_000_000,
    })
    const receipt = await client.submit({ chain: chain.chainId, signedTx, until: 'included' })
    expect(receipt.ok).toBe(false)
    expect(receipt.state).toMatchObject({ inclusion: { code: 5, codespace: 'sdk' } })
  })

  it('two of one account in the wrong order are both included', async () => {
    const from = chain.accounts[3]!
    const first = await signMsgSend(chain, {
      from,
      to: chain.accounts[1]!.address,
      amount: 1,
      sequence: 0,
      accountNumber: 4,
    })
    const second = await signMsgSend(chain, {
      from,
      to: chain.accounts[1]!.address,
      amount: 2,
      sequence: 1,
      accountNumber: 4,
    })
    const late = client.submit({ chain: chain.chainId, signedTx: second })
    const early = client.submit({ chain: chain.chainId, signedTx: first })
    expect((await early).ok).toBe(true)
    expect((await late).ok).toBe(true)
  })
})

/** Init code that returns `code`: PUSH3 length, DUP1, PUSH1 offset, PUSH0, CODECOPY, PUSH0, RETURN. */
function deploying(code: `0x${string}`): `0x${string}` {
  const length = (code.length - 2) / 2
  return concatHex([`0x62${toHex(length, { size: 3 }).slice(2)}80600b5f395ff3`, code])
}

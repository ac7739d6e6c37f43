import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { errorNameOf, wireError } from '@veilcast/shared/errors'
import type { EvmInclusion } from '@veilcast/shared/protocol'
import { bytesToHex, type Hex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import type { ChainAdapter, FoundTx, InspectedTx } from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import { evmChainConfig } from '../../../../broadcaster/dist/chains/evm/config.js'
import { askChain } from '../../../support/askChain.ts'
import {
  anvilChainId,
  createAnvilAdapter,
  fundedAccount,
  recipient,
  signTransfer,
  toBytes,
} from '../../../support/evmAdapter.ts'
import { startFaultyEndpoint } from '../../../support/faultyEndpoint.ts'
import { until } from '../../../support/until.ts'

const gwei = 10n ** 9n

describe('createEvmAdapter', () => {
  let anvil: Anvil
  const toStop: { stop(): Promise<void> }[] = []
  beforeAll(async () => {
    anvil = await startAnvil({ chainId: anvilChainId })
  })
  afterAll(() => anvil?.stop())
  afterEach(async () => {
    for (const one of toStop.splice(0)) await one.stop()
    await anvil.setAutomine(true)
  })

  async function connect(more: Record<string, unknown> = {}) {
    const endpoint = await startFaultyEndpoint(anvil.rpcUrl)
    const adapter = createAnvilAdapter([{ id: 'a', operator: 'a', url: endpoint.url }], more)
    toStop.push(adapter, endpoint)
    await adapter.start()
    await until(() => adapter.endpoints().every(({ latencyMs }) => latencyMs !== undefined))
    return { adapter, endpoint }
  }

  async function sign(account: PrivateKeyAccount, fields: Record<string, unknown> = {}): Promise<Uint8Array> {
    const transaction = {
      type: 'eip1559',
      chainId: anvilChainId,
      nonce: 0,
      to: recipient,
      value: 1n,
      gas: 21_000n,
      maxFeePerGas: 10n * gwei,
      maxPriorityFeePerGas: gwei,
      ...fields,
    }
    return toBytes((await account.signTransaction(transaction as never)) as Hex)
  }

  describe('preflight', () => {
    it('behavior: refuses what certainly fails, in one request and without showing the transaction', async () => {
      const { adapter, endpoint } = await connect({ probeIntervalMs: 60_000 })
      const account = await fundedAccount(anvil)
      const judge = async (fields: Record<string, unknown>) => {
        const before = endpoint.requests()
        const judged = await adapter.preflight(adapter.inspect(await sign(account, fields)))
        expect(endpoint.requests() - before).toBeLessThanOrEqual(1)
        if (judged.kind !== 'refused') return judged.kind
        expect(judged.error.outcome).toBe('notSent')
        return errorNameOf(judged.error.number)
      }
      expect(await judge({})).toBe('ready')
      expect(await judge({ nonce: 1_000 })).toBe('ready')
      expect(await judge({ value: 100n * 10n ** 18n })).toBe('insufficientFunds')
      expect(await judge({ maxFeePerGas: 1n, maxPriorityFeePerGas: 0n })).toBe('feeTooLow')
      expect(await judge({ gas: 2n ** 40n })).toBe('gasLimitTooHigh')
      expect(await judge({ gas: 20_999n })).toBe('gasLimitTooLow')
      const code: Hex = `0x${'00'.repeat(49_153)}`
      expect(await judge({ to: undefined, data: code, gas: 10_000_000n })).toBe('codeTooLarge')
      expect(endpoint.calls('eth_sendRawTransaction')).toBe(0)
      await adapter.submit('a', adapter.inspect(await signTransfer(account, 0)))
      expect(await judge({})).toBe('used')
    })

    it('behavior: asks for as much gas as the chain takes before it runs', async () => {
      const { adapter } = await connect()
      const account = await fundedAccount(anvil)
      const accessList = [
        { address: recipient, storageKeys: [`0x${'01'.repeat(32)}`, `0x${'02'.repeat(32)}`] },
      ]
      const cases = [
        { data: `0x${'00'.repeat(50)}${'ff'.repeat(3)}`, accessList },
        { data: `0x${'ff'.repeat(300)}` },
        // Its init code stops at once.
        { data: `0x00${'ab'.repeat(100)}`, to: undefined },
      ]
      for (const [nonce, fields] of cases.entries()) {
        const spare = adapter.inspect(await sign(account, { ...fields, nonce, gas: 1_000_000n }))
        expect(await adapter.submit('a', spare)).toEqual({ kind: 'taken' })
        const { inclusion } = (await adapter.find(spare.txId))!
        const needed = (inclusion as EvmInclusion).gasUsed
        const judge = async (gas: bigint) =>
          adapter.preflight(adapter.inspect(await sign(account, { ...fields, nonce: nonce + 1, gas })))
        expect(await judge(needed)).toEqual({ kind: 'ready' })
        const error = wireError('gasLimitTooLow', { required: needed, got: needed - 1n })
        expect(await judge(needed - 1n)).toEqual({ kind: 'refused', error })
      }
    })

    it('behavior: goes on where a node takes no batches', async () => {
      const { adapter, endpoint } = await connect()
      endpoint.set({ mode: 'noBatch' })
      const account = await fundedAccount(anvil)
      expect(await adapter.preflight(adapter.inspect(await signTransfer(account, 0)))).toEqual({
        kind: 'ready',
      })
      expect((await adapter.head()).height).toBeGreaterThanOrEqual(0n)
    })
  })

  describe('submit', () => {
    it('behavior: says in our words what anvil says in its own', async () => {
      await anvil.setAutomine(false)
      const { adapter } = await connect()
      const account = await fundedAccount(anvil)
      const hand = async (fields: Record<string, unknown>) => {
        const handed = await adapter.submit('a', adapter.inspect(await sign(account, fields)))
        return handed.kind === 'rejected'
          ? handed.error.label || errorNameOf(handed.error.number)
          : handed.kind
      }
      expect(await hand({})).toBe('taken')
      expect(await hand({ value: 2n })).toBe('replacementUnderpriced')
      expect(await hand({ value: 100n * 10n ** 18n, nonce: 1 })).toBe('insufficientFunds')
      expect(await hand({ nonce: 3 })).toBe('taken')
      await anvil.mine()
      expect(await hand({ value: 3n })).toBe('used')
    })

    it('behavior: an endpoint that never answers is given up', async () => {
      const { adapter, endpoint } = await connect({ requestTimeoutMs: 200 })
      const tx = adapter.inspect(await signTransfer(await fundedAccount(anvil), 0))
      endpoint.set({ mode: 'hang', methods: ['eth_sendRawTransaction'] })
      expect(await adapter.submit('a', tx)).toEqual({ kind: 'unavailable' })
      expect(endpoint.calls('eth_sendRawTransaction')).toBe(1)
    })

    it('behavior: an endpoint on another chain is never live', async () => {
      const { adapter } = await connect({ chain: 'eip155:1' })
      expect(adapter.endpoints()).toMatchObject([{ id: 'a', live: false, trouble: 'wrongChain' }])
      expect(adapter.pickEndpoints()).toEqual([])
    })
  })

  it('revertData: gives what the contract gave, cut at 256 bytes, and nothing for a success', async () => {
    const { adapter } = await connect()
    const account = await fundedAccount(anvil)
    const run = async (nonce: number, fields: Record<string, unknown>) => {
      const tx = adapter.inspect(await sign(account, { nonce, gas: 200_000n, ...fields }))
      expect(await adapter.submit('a', tx)).toEqual({ kind: 'taken' })
      const { inclusion } = await untilFound(adapter, tx)
      return { inclusion, data: bytesToHex(await adapter.revertData(tx, inclusion)) }
    }
    // mstore(0, 0xdeadbeef); revert(28, 4)
    const short = await run(0, { to: undefined, data: '0x63deadbeef6000526004601cfd' })
    expect(short.inclusion).toMatchObject({ family: 'evm', ok: false })
    expect(short.data).toBe('0xdeadbeef')
    // revert(0, 300)
    const long = await run(1, { to: undefined, data: '0x61012c6000fd' })
    expect(long.data).toBe(`0x${'00'.repeat(256)}`)
    const fine = await run(2, {})
    expect(fine.inclusion).toMatchObject({ ok: true, gasUsed: 21_000n })
    expect(fine.data).toBe('0x')
  })

  it('readBlock: gets each receipt where a node has no eth_getBlockReceipts', async () => {
    await anvil.setAutomine(false)
    const { adapter, endpoint } = await connect()
    const account = await fundedAccount(anvil)
    for (let nonce = 0; nonce < 3; nonce++) {
      await adapter.submit('a', adapter.inspect(await signTransfer(account, nonce)))
    }
    await anvil.mine()
    const { height } = await adapter.head()
    const whole = await adapter.readBlock(height)
    expect(whole!.transactions.map(({ sequence }) => sequence)).toEqual([0n, 1n, 2n])
    endpoint.set({ mode: 'unknownMethod', methods: ['eth_getBlockReceipts'] })
    expect(await adapter.readBlock(height)).toEqual(whole)
    expect(await adapter.readBlock(height)).toEqual(whole)
    expect(endpoint.calls('eth_getBlockReceipts')).toBe(2)
  })

  it('behavior: a reorg shows as another hash at the same height, and what was in it is found no more', async () => {
    const { adapter } = await connect()
    const tx = adapter.inspect(await signTransfer(await fundedAccount(anvil), 0))
    await adapter.submit('a', tx)
    const { block } = await untilFound(adapter, tx)
    await anvil.reorg(1)
    expect(await adapter.find(tx.txId)).toBeNull()
    const other = await adapter.readBlock(block.height)
    expect(other!.hash).not.toBe(block.hash)
    expect(other!.transactions).toEqual([])
  })

  it.each([
    [{ rule: 'finalized' }, 2n],
    [{ rule: 'confirmations', confirmations: 5 }, 5n],
    [{ rule: 'instant' }, 0n],
  ])('head: final by %j', async (finality, behind) => {
    const { adapter } = await connect({ finality })
    await anvil.mine(10)
    const { height, finalHeight } = await adapter.head()
    expect(height - finalHeight).toBe(behind)
    expect(adapter.finality.rule).toBe(finality.rule)
    expect(adapter.finality.confirmations).toBe(finality.rule === 'confirmations' ? 5 : 0)
  })

  describe('query', () => {
    it('default: each method of the list is answered', async () => {
      const { adapter, endpoint } = await connect()
      const account = await fundedAccount(anvil)
      const tx = adapter.inspect(await signTransfer(account, 0))
      await adapter.submit('a', tx)
      const hash = bytesToHex(tx.txId)
      const blockHash = `0x${(await untilFound(adapter, tx)).block.hash}`
      const call = { from: account.address, to: recipient, value: '0x1' }
      const answers = {
        eth_chainId: [undefined, `0x${anvilChainId.toString(16)}`],
        net_version: [[], `${anvilChainId}`],
        eth_blockNumber: [[], expect.stringMatching(/^0x/)],
        eth_gasPrice: [[], expect.stringMatching(/^0x/)],
        eth_maxPriorityFeePerGas: [[], expect.stringMatching(/^0x/)],
        eth_getBalance: [[recipient, 'latest'], expect.stringMatching(/^0x/)],
        eth_getCode: [[recipient], '0x'],
        eth_getTransactionCount: [[account.address, 'pending'], '0x1'],
        eth_getStorageAt: [[recipient, '0x0', 'latest'], `0x${'00'.repeat(32)}`],
        eth_call: [[call, 'latest'], '0x'],
        eth_estimateGas: [[call], '0x5208'],
        eth_feeHistory: [
          ['0x2', 'latest', [10, 90]],
          expect.objectContaining({ oldestBlock: expect.anything() }),
        ],
        eth_getTransactionReceipt: [[hash], expect.objectContaining({ transactionHash: hash })],
        eth_getTransactionByHash: [[hash], expect.objectContaining({ hash })],
        eth_getBlockByNumber: [['latest', false], expect.objectContaining({ number: expect.anything() })],
        eth_getBlockByHash: [[blockHash, true], expect.objectContaining({ hash: blockHash })],
      } as const
      for (const [method, [params, expected]] of Object.entries(answers)) {
        expect([method, await askChain(adapter, method, params)]).toEqual([method, expected])
      }
      expect(endpoint.calls('net_version')).toBe(0)
    })

    it('behavior: an answer that is too large, and one that is an error', async () => {
      const nextBlock = async (adapter: ChainAdapter) => {
        await anvil.mine()
        const { height } = await adapter.head()
        await until(async () => BigInt((await askChain(adapter, 'eth_blockNumber')) as string) >= height)
      }
      const { adapter } = await connect()
      const address = '0x00000000000000000000000000000000000c0de1'
      await anvil.rpc('anvil_setCode', [address, `0x${'00'.repeat(40_000)}`])
      expect(await askChain(adapter, 'eth_getCode', [address])).toEqual(['answerTooLarge', 80_004n, 65_536n])
      await anvil.rpc('anvil_setCode', [address, `0x${'00'.repeat(600_000)}`])
      await nextBlock(adapter)
      expect(await askChain(adapter, 'eth_getCode', [address])).toEqual([
        'answerTooLarge',
        1_048_576n,
        65_536n,
      ])
      await anvil.rpc('anvil_setCode', [address, '0x60006000fd'])
      await nextBlock(adapter)
      expect(await askChain(adapter, 'eth_call', [{ to: address }, 'latest'])).toEqual(['reverted', '0x'])
      expect(adapter.live()).toBe(true)
    })
  })
})

describe('evmChainConfig', () => {
  const least = { chain: 'eip155:1', endpoints: [{ id: 'a', url: 'https://node.example/key' }] }

  it('default: a chain and an endpoint are enough', () => {
    expect(evmChainConfig.parse(least)).toMatchObject({
      chain: 'eip155:1',
      endpoints: [{ id: 'a', operator: 'a', url: 'https://node.example/key' }],
      finality: { rule: 'finalized' },
      allowBlobs: false,
      maxTransactionBytes: 131_072,
    })
    expect(evmChainConfig.parse({ ...least, allowBlobs: true }).maxTransactionBytes).toBe(1_000_000)
  })

  it.each([
    [{ chain: 'cosmos:hub' }],
    [{ chain: 'eip155:01' }],
    [{ endpoints: [] }],
    [{ endpoints: [...least.endpoints, ...least.endpoints] }],
    [{ endpoints: [{ id: 'a', url: 'file:///etc/passwd' }] }],
    [{ maxTransactionBytes: 200_000 }],
    [{ finality: { rule: 'confirmations' } }],
    [{ maxTransactionByte: 1 }],
  ])('behavior: refuses %j', (wrong) => {
    expect(evmChainConfig.safeParse({ ...least, ...wrong }).success).toBe(false)
  })
})

/** anvil answers the submission first and mines second. */
async function untilFound(adapter: ChainAdapter, { txId }: InspectedTx): Promise<FoundTx> {
  let found: FoundTx | null = null
  await until(async () => {
    found = await adapter.find(txId)
    return found !== null
  })
  return found!
}

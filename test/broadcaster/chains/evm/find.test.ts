import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { toTxId } from '@veilcast/shared/protocol'
import { bytesToHex, hexToBytes, keccak256 } from 'viem'
import { type ChainAdapter, NotAgreed } from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import {
  behind,
  type CrookedEndpoint,
  honest,
  startCrookedEndpoint,
} from '../../../support/crookedEndpoint.ts'
import { signEthTransfer } from '../../../support/devnetSign.ts'
import { createAnvilAdapter } from '../../../support/evmAdapter.ts'
import { until } from '../../../support/until.ts'

describe('find, at two operators', () => {
  let anvil: Anvil
  let one: CrookedEndpoint
  let two: CrookedEndpoint
  let adapter: ChainAdapter

  beforeAll(async () => {
    anvil = await startAnvil({})
    one = await startCrookedEndpoint(anvil.rpcUrl)
    two = await startCrookedEndpoint(anvil.rpcUrl)
  }, 60_000)
  afterAll(async () => {
    await one?.stop()
    await two?.stop()
    await anvil?.stop()
  })
  beforeEach(async () => {
    adapter = createAnvilAdapter([
      { id: 'one', operator: 'one', url: one.url },
      { id: 'two', operator: 'two', url: two.url },
    ])
    await adapter.start()
  })
  afterEach(async () => {
    one.show(undefined)
    two.show(undefined)
    await adapter.stop()
  })

  async function landed() {
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[1]!.address,
      valueWei: 1n,
    })
    await anvil.rpc('eth_sendRawTransaction', [signedTx])
    return toTxId(hexToBytes(keccak256(signedTx)))
  }

  it('default: what both have', async () => {
    const txId = await landed()
    const found = await adapter.find(txId)
    const receipt = await anvil.rpc<{ blockHash: string }>('eth_getTransactionReceipt', [bytesToHex(txId)])
    expect(`0x${found!.block.hash}`).toBe(receipt.blockHash)
  })

  it('behavior: a receipt that one of them makes up is no inclusion', async () => {
    const real = await landed()
    const ours = toTxId(new Uint8Array(32).fill(9))
    one.show(() => async (call, ask) => {
      if (call.method !== 'eth_getTransactionReceipt') return honest(call, ask)
      const receipt = (await ask(call.method, [bytesToHex(real)])) as object
      return { ...receipt, transactionHash: bytesToHex(ours) }
    })
    const said = new Set<string>()
    for (let asked = 0; asked < 12; asked++) {
      // Where only one answers, its word counts.
      await until(() => adapter.endpoints().every(({ live }) => live))
      said.add(
        await adapter.find(ours).then(
          (found) => (found === null ? 'not there' : 'there'),
          (error: unknown) => (error instanceof NotAgreed ? 'not agreed' : 'another error'),
        ),
      )
      await expect(adapter.find(ours, { thorough: true })).rejects.toBeInstanceOf(NotAgreed)
    }
    expect([...said].sort()).toEqual(['not agreed', 'not there'])
  })

  it('behavior: one that is behind does not make it absent for good', async () => {
    const txId = await landed()
    one.show(() => behind(1))
    await expect(adapter.find(txId, { thorough: true })).rejects.toBeInstanceOf(NotAgreed)
    await anvil.mine(1)
    expect(await adapter.find(txId, { thorough: true })).not.toBeNull()
  })

  it('behavior: the operator that was handed it is asked last', async () => {
    const before = one.calls('eth_getTransactionReceipt')
    for (let asked = 0; asked < 8; asked++) {
      expect(await adapter.find(toTxId(new Uint8Array(32).fill(8)), { handedTo: ['one'] })).toBeNull()
    }
    expect(one.calls('eth_getTransactionReceipt')).toBe(before)
  })
})

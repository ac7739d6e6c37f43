import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { parseChainId, toTxId } from '@veilcast/shared/protocol'
import { type Hex, hexToBytes, keccak256 } from 'viem'
import { type ChainAdapter, NotAgreed } from '../../../broadcaster/dist/chains/ChainAdapter.js'
import { createEndReplaced } from '../../../broadcaster/dist/stages/endReplaced.js'
import { stateOf } from '../../../broadcaster/dist/store/stateOf.js'
import {
  type Answerer,
  type CrookedEndpoint,
  honest,
  startCrookedEndpoint,
} from '../../support/crookedEndpoint.ts'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { createAnvilAdapter } from '../../support/evmAdapter.ts'
import { admitted, stageParts } from '../../support/stageParts.ts'
import { withEmbeddedStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'

describe('a nonce that another transaction used in a block that was never matched', () => {
  const store = withEmbeddedStore()
  const chain = parseChainId('eip155:31337')
  let anvil: Anvil
  let one: CrookedEndpoint
  let two: CrookedEndpoint
  let adapter: ChainAdapter
  let account = 0

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

  /** Two of a new account with one nonce: ours, exposed, and the other, on chain and below so many blocks. */
  async function overtaken(blocks: number, sureAfterMs?: number) {
    const parts = stageParts(store(), [adapter])
    const from = anvil.accounts[account++]!
    const [ours, other] = await Promise.all(
      [1n, 2n].map((valueWei) =>
        signEthTransfer(anvil, { from, to: anvil.accounts[9]!.address, valueWei, nonce: 0 }),
      ),
    )
    await anvil.rpc('eth_sendRawTransaction', [other])
    await anvil.mine(blocks)
    const top = BigInt(await anvil.rpc<Hex>('eth_blockNumber'))
    await until(() => adapter.endpoints().every(({ live, height }) => live && height === top))
    const held = await admitted(parts, chain, { adapter, signedTx: hexToBytes(ours as Hex) })
    const record = (await parts.settle.exposed(held, ['one']))!
    const endReplaced = createEndReplaced({ ...parts, ...(sureAfterMs !== undefined && { sureAfterMs }) })
    const { finalHeight } = await adapter.head()
    return {
      other: other as Hex,
      key: record.key,
      endReplaced,
      end: () => endReplaced.end(adapter, record, finalHeight, {}),
      state: async () => stateOf((await parts.records.get(record.key))!, parts.vault, 'fsync'),
    }
  }

  it.each([2, 90, 700])('ends as replaced by it, %d blocks later', async (blocks) => {
    const { end, state, other } = await overtaken(blocks)
    expect(await end()).toBe(true)
    const { blockNumber } = await anvil.rpc<{ blockNumber: Hex }>('eth_getTransactionReceipt', [
      keccak256(other),
    ])
    expect(await state()).toEqual({
      stage: 'replaced',
      by: toTxId(hexToBytes(keccak256(other))),
      height: BigInt(blockNumber),
    })
  })

  it('is open before that is final', async () => {
    const { end, state } = await overtaken(1)
    expect(await end()).toBe(false)
    expect((await state()).stage).toBe('submitted')
  })

  it('by nobody knows whom where the nodes have no older state: at the second look', async () => {
    const keepsNoState = (): Answerer => async (call, ask) => {
      const top = Number(await anvil.rpc<Hex>('eth_blockNumber'))
      const isOld = call.method === 'eth_getTransactionCount' && Number(call.params[1]) < top - 5
      if (isOld) throw { code: -32000, message: 'missing trie node' }
      return honest(call, ask)
    }
    const { end, state, endReplaced, key } = await overtaken(40, 0)
    one.show(keepsNoState)
    two.show(keepsNoState)
    expect(await end()).toBe(false)
    expect(endReplaced.isOpen(key)).toBe(true)
    expect(await end()).toBe(true)
    expect(await state()).toMatchObject({ stage: 'replaced', by: new Uint8Array(32) })
  })

  it.each(['one', 'two'])('is not ended on the word of %s alone', async (liar) => {
    const parts = stageParts(store(), [adapter])
    const from = anvil.accounts[account++]!
    const ours = await signEthTransfer(anvil, { from, to: from.address, valueWei: 1n, nonce: 0 })
    const record = (await parts.settle.exposed(
      await admitted(parts, chain, { adapter, signedTx: hexToBytes(ours) }),
      ['one'],
    ))!
    const lying = liar === 'one' ? one : two
    lying.show(() => async (call, ask) => {
      return call.method === 'eth_getTransactionCount' ? '0x7' : honest(call, ask)
    })
    const { end } = createEndReplaced(parts)
    for (let asked = 0; asked < 5; asked++) expect(await end(adapter, record, 1n, {})).toBe(false)
    // With the other away it is nobody's word.
    const other = liar === 'one' ? two : one
    other.show(() => async () => {
      throw { code: -32000, message: 'busy' }
    })
    await expect(end(adapter, record, 1n, {})).rejects.toBeInstanceOf(NotAgreed)
  })
})

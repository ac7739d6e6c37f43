import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type TxId, toTxId } from '@veilcast/shared/protocol'
import { hexToBytes, keccak256 } from 'viem'
import type { ChainAdapter, ChainBlock } from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import {
  type Answerer,
  behind,
  type CrookedEndpoint,
  emptyBlocks,
  honest,
  inventsFailure,
  startCrookedEndpoint,
} from '../../../support/crookedEndpoint.ts'
import { signEthTransfer } from '../../../support/devnetSign.ts'
import { createAnvilAdapter } from '../../../support/evmAdapter.ts'
import { until } from '../../../support/until.ts'

/** Another block in the place of each. */
const forks: Answerer = async (call, ask) => {
  const answer = await honest(call, ask)
  if (call.method !== 'eth_getBlockByNumber') return answer
  return { ...(answer as object), hash: `0x${'ee'.repeat(32)}` }
}

describe('witness', () => {
  let anvil: Anvil
  let nodes: CrookedEndpoint[]
  let adapter: ChainAdapter

  beforeAll(async () => {
    anvil = await startAnvil({})
    nodes = await Promise.all([0, 1, 2].map(() => startCrookedEndpoint(anvil.rpcUrl)))
  }, 60_000)
  afterAll(async () => {
    for (const node of nodes ?? []) await node.stop()
    await anvil?.stop()
  })
  afterEach(async () => {
    for (const node of nodes) node.show(undefined)
    await adapter?.stop()
  })

  /** Endpoints n0, n1, n2 of as many operators as there are names; probes come once, so that nobody is set aside but for an answer. */
  async function connect(operators: readonly string[]): Promise<void> {
    adapter = createAnvilAdapter(
      operators.map((operator, index) => ({ id: `n${index}`, operator, url: nodes[index]!.url })),
      { probeIntervalMs: 60_000 },
    )
    await adapter.start()
  }

  async function mined(count: number): Promise<{ block: ChainBlock; txIds: TxId[] }> {
    await anvil.setAutomine(false)
    const from = anvil.accounts[0]!
    const next = Number(await anvil.rpc<string>('eth_getTransactionCount', [from.address, 'latest']))
    const signed = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        signEthTransfer(anvil, { from, to: from.address, valueWei: 1n, nonce: next + index }),
      ),
    )
    for (const raw of signed) await anvil.rpc('eth_sendRawTransaction', [raw])
    await anvil.mine(1)
    const height = BigInt(await anvil.rpc<string>('eth_blockNumber'))
    const block = await adapter.readBlock(height)
    return { block: block!, txIds: signed.map((raw) => toTxId(hexToBytes(keccak256(raw)))) }
  }

  const troubles = () => Object.fromEntries(adapter.endpoints().map(({ id, trouble }) => [id, trouble]))
  const told = (txIds: readonly TxId[]) => ({ kind: 'told', txIds })
  /** As if this one had told it. */
  const by = (id: string, block: ChainBlock): ChainBlock => ({ ...block, from: id })

  it.each([1, 8, 20])(
    'default: another operator tells the same of %i, in one request or two',
    async (count) => {
      await connect(['one', 'two'])
      const { block, txIds } = await mined(count)
      expect(block.from).toMatch(/^n[01]$/)
      const other = nodes[block.from === 'n0' ? 1 : 0]!
      const before = other.calls()
      const own = nodes[block.from === 'n0' ? 0 : 1]!.calls()
      expect(await adapter.witness(block, txIds)).toEqual(told(txIds))
      // Its chain, the block and each receipt; or the block and all receipts.
      expect(other.calls() - before).toBe(count > 8 ? 2 : count + 2)
      expect(nodes[block.from === 'n0' ? 0 : 1]!.calls()).toBe(own)
    },
  )

  it('default: where there is one endpoint, its word is all there is', async () => {
    await connect(['one'])
    const { block, txIds } = await mined(1)
    const before = nodes[0]!.calls()
    expect(await adapter.witness(block, txIds)).toEqual(told(txIds))
    expect(await adapter.isFinalElsewhere('n0', block)).toBe(true)
    expect(nodes[0]!.calls()).toBe(before)
  })

  it('behavior: another endpoint of the same operator where there is no other operator', async () => {
    await connect(['one', 'one'])
    const { block, txIds } = await mined(1)
    nodes[1]!.show(() => behind(5))
    expect(await adapter.witness(by('n0', block), txIds)).toEqual({ kind: 'notYet' })
    nodes[1]!.show(undefined)
    expect(await adapter.witness(by('n0', block), txIds)).toEqual(told(txIds))
  })

  it.each([
    ['it is not yet where the other is a block behind', behind(1), { kind: 'notYet' }],
    [
      'it is another block where the other has one in its place',
      forks,
      { kind: 'otherBlock', endpoints: ['n1'] },
    ],
  ])('behavior: %s', async (_what, answerer, said) => {
    await connect(['one', 'two'])
    const { block, txIds } = await mined(1)
    nodes[1]!.show(() => answerer)
    expect(await adapter.witness(by('n0', block), txIds)).toEqual(said)
    expect(await adapter.isFinalElsewhere('n0', block)).toBe(false)
    expect(troubles()).toEqual({ n0: 'none', n1: 'none' })
  })

  it.each([
    ['another outcome', inventsFailure(), 1],
    ['another outcome of many', inventsFailure(), 12],
    ['a block without it', emptyBlocks, 1],
    ['a block without all of them', emptyBlocks, 12],
  ])(
    'behavior: two operators, and one tells the true hash over %s: agreed on by nobody',
    async (_what, lie, count) => {
      await connect(['one', 'two'])
      const { block, txIds } = await mined(count)
      nodes[1]!.show(() => lie)
      expect(await adapter.witness(by('n0', block), txIds)).toEqual(told([]))
    },
  )

  it.each([
    ['another outcome', inventsFailure()],
    ['a block without it', emptyBlocks],
  ])(
    'behavior: three operators, and one tells the true hash over %s: it is set aside',
    async (_what, lie) => {
      await connect(['one', 'two', 'three'])
      const { block, txIds } = await mined(1)
      nodes[2]!.show(() => lie)
      // As a witness beside one that is honest: found out whenever it is asked before the other.
      await until(async () => {
        expect(await adapter.witness(by('n0', block), txIds)).toEqual(told(txIds))
        return troubles().n2 === 'lied'
      })
      expect(troubles()).toEqual({ n0: 'none', n1: 'none', n2: 'lied' })
    },
  )

  it('behavior: three operators, and the one that the block is from has invented it: it is set aside', async () => {
    await connect(['one', 'two', 'three'])
    const { block, txIds } = await mined(1)
    const lie: ChainBlock = {
      ...by('n0', block),
      transactions: block.transactions.map((one) => ({
        ...one,
        inclusion: { ...one.inclusion, ok: false } as typeof one.inclusion,
      })),
    }
    expect(await adapter.witness(lie, txIds)).toEqual({ kind: 'lied' })
    expect(troubles()).toEqual({ n0: 'lied', n1: 'none', n2: 'none' })
  })

  it('behavior: three operators, of whom one has another block and one none: that one is named', async () => {
    await connect(['one', 'two', 'three'])
    const { block, txIds } = await mined(1)
    nodes[1]!.show(() => forks)
    nodes[2]!.show(() => behind(1))
    const said = await adapter.witness(by('n0', block), txIds)
    expect(said).toEqual({ kind: 'otherBlock', endpoints: ['n1'] })
    nodes[2]!.show(undefined)
    expect(await adapter.witness(by('n0', block), txIds)).toEqual(told(txIds))
    expect(troubles()).toEqual({ n0: 'none', n1: 'none', n2: 'none' })
  })

  it('behavior: an endpoint that gives no usable answer is nobody: the block is believed', async () => {
    await connect(['one', 'two'])
    const { block, txIds } = await mined(1)
    nodes[1]!.show(() => async () => 'nonsense')
    expect(await adapter.witness(by('n0', block), txIds)).toEqual(told(txIds))
    expect(troubles().n1).not.toBe('none')
  })

  it('behavior: final once the other calls it so', async () => {
    await connect(['one', 'two'])
    const { block } = await mined(1)
    expect(await adapter.isFinalElsewhere('n0', block)).toBe(false)
    await anvil.mine(2)
    expect(await adapter.isFinalElsewhere('n0', block)).toBe(true)
    nodes[1]!.show(() => behind(1))
    expect(await adapter.isFinalElsewhere('n0', block)).toBe(false)
  })
})

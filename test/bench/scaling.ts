import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, BenchContext, Cell } from './Bench.ts'
import { type CountedAnvil, startCountedAnvil, untilHandedOver } from './countedAnvil.ts'
import { type LoadedBroadcaster, load, startLoadedBroadcaster } from './LoadedBroadcaster.ts'
import { hasRedis, type LoadStore, loadStores, noRedis } from './loadStores.ts'
import { median, quantile } from './quantile.ts'
import { fundSenders, type Sender, signTransfers } from './transfers.ts'

const senderCount = 200
const pollIntervalMs = 100
const maxUnanswered = 256
const probes = 100
const burst = 400

interface Waiting {
  readonly waiting: number
  readonly acceptedMs: readonly number[]
  readonly acceptedPerS: number
  readonly handedOverPerS: number
}

interface Block {
  readonly transactions: number
  readonly tookMs: readonly number[]
}

export const scaling: Bench = {
  name: 'scaling',
  title: 'As more waits, and as blocks grow',
  question: `First on a chain that makes no blocks: with ever more transactions waiting, how long a submit takes to \`accepted\`
when one comes after the other (${probes} of them), and how many a second are accepted and handed over when ${burst} come at
once. Then, with nothing else waiting, blocks of ever more transactions of ours: from the moment the block is asked for
until the last of them is told to be included, with the chain polled each ${pollIntervalMs} ms.`,

  async run(context) {
    const results = []
    for (const startStore of loadStores()) {
      const store = await startStore()
      try {
        results.push({ store: store.name, ...(await measureStore(store, context)) })
      } finally {
        await store.stop()
      }
    }
    return {
      tables: [
        {
          title: 'While transactions wait',
          columns: [
            { name: 'store' },
            { name: 'waiting', digits: 0 },
            { name: '`accepted` p50', unit: 'ms', digits: 1 },
            { name: '`accepted` p95', unit: 'ms', digits: 1 },
            { name: 'accepted', unit: '/s', digits: 0 },
            { name: 'handed over', unit: '/s', digits: 0 },
          ],
          rows: results.flatMap(({ store, waits }) =>
            waits.map((one): Cell[] => [
              store,
              one.waiting,
              median(one.acceptedMs),
              quantile(one.acceptedMs, 0.95),
              one.acceptedPerS,
              one.handedOverPerS,
            ]),
          ),
        },
        {
          title: 'Blocks of our own transactions',
          columns: [
            { name: 'store' },
            { name: 'in the block', digits: 0 },
            { name: 'until all are told', unit: 'ms', digits: 0 },
            { name: 'told', unit: '/s', digits: 0 },
          ],
          rows: results.flatMap(({ store, blocks }) =>
            blocks.map(({ transactions, tookMs }): Cell[] => [
              store,
              transactions,
              median(tookMs),
              (transactions / median(tookMs)) * 1000,
            ]),
          ),
        },
      ],
      ratios: [],
      charts: [
        {
          kind: 'line',
          name: 'accepted',
          title: 'Submit to `accepted`, one after the other',
          x: { title: 'waiting transactions', log: true },
          y: { title: 'p50, ms' },
          series: results.map(({ store, waits }) => ({
            name: store,
            points: waits.map(({ waiting, acceptedMs }): [number, number] => [waiting, median(acceptedMs)]),
          })),
        },
        {
          kind: 'line',
          name: 'rate',
          title: 'Accepted per second, many at once',
          x: { title: 'waiting transactions', log: true },
          y: { title: 'per second' },
          series: results.map(({ store, waits }) => ({
            name: store,
            points: waits.map(({ waiting, acceptedPerS }): [number, number] => [waiting, acceptedPerS]),
          })),
        },
        {
          kind: 'line',
          name: 'blocks',
          title: 'From a block to the last answer about it',
          x: { title: 'transactions in the block', log: true },
          y: { title: 'ms', log: true },
          series: results.map(({ store, blocks }) => ({
            name: store,
            points: blocks.map(({ transactions, tookMs }): [number, number] => [
              transactions,
              median(tookMs),
            ]),
          })),
        },
      ],
      notes: [],
      leftOut: hasRedis() ? [] : [noRedis],
    }
  },
}

async function measureStore(
  store: LoadStore,
  context: BenchContext,
): Promise<{ waits: Waiting[]; blocks: Block[] }> {
  const { signal, quick } = context
  const blocks = await onHaltedChain(store, signal, async (broadcaster, anvil, senders) => {
    const measured: Block[] = []
    // The first is for the compiler.
    for (const transactions of quick ? [10, 10, 100] : [10, 10, 30, 100, 300, 1000]) {
      const tookMs: number[] = []
      for (let round = 0; round < (quick ? 1 : 3); round++) {
        tookMs.push(await measureBlock(broadcaster, anvil, signTransfers(senders, transactions), signal))
      }
      measured.push({ transactions, tookMs })
      context.say(`${store.name}: a block of ${transactions} told in ${median(tookMs).toFixed(0)} ms`)
    }
    return measured.slice(1)
  })
  const waits = await onHaltedChain(store, signal, async (broadcaster, anvil, senders) => {
    const measured: Waiting[] = []
    let waiting = 0
    const send = async (count: number, atOnce: number) => {
      await load(broadcaster, signTransfers(senders, count))
      const startMs = performance.now()
      const submitted = await broadcaster.ask({ kind: 'submit', maxUnanswered: atOnce })
      waiting += count
      await untilHandedOver(anvil, waiting, signal)
      return { ...submitted, handedOverMs: performance.now() - startMs }
    }
    for (const wanted of quick ? [500, 1000] : [100, 300, 1000, 3000, 10_000]) {
      if (wanted > waiting) await send(wanted - waiting, maxUnanswered)
      const before = waiting
      const { acceptedMs } = await send(probes, 1)
      const { tookMs, handedOverMs } = await send(burst, maxUnanswered)
      measured.push({
        waiting: before,
        acceptedMs,
        acceptedPerS: (burst / tookMs) * 1000,
        handedOverPerS: (burst / handedOverMs) * 1000,
      })
      context.say(`${store.name}: with ${before} waiting, accepted in ${median(acceptedMs).toFixed(1)} ms`)
    }
    return measured
  })
  return { waits, blocks }
}

async function measureBlock(
  broadcaster: LoadedBroadcaster,
  anvil: CountedAnvil,
  transactions: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<number> {
  const before = anvil.calls().get('eth_sendRawTransaction') ?? 0
  await load(broadcaster, transactions)
  await broadcaster.ask({ kind: 'submit', maxUnanswered })
  await untilHandedOver(anvil, before + transactions.length, signal)
  // The poll that finds them all handed over, and no other work of the stages before.
  await delay(5 * pollIntervalMs)
  const startMs = performance.now()
  await anvil.mine()
  await broadcaster.ask({ kind: 'included' })
  const tookMs = performance.now() - startMs
  // Their finality is none of the next block's work.
  await anvil.mine(3)
  await delay(10 * pollIntervalMs)
  return tookMs
}

async function onHaltedChain<T>(
  store: LoadStore,
  signal: AbortSignal,
  work: (broadcaster: LoadedBroadcaster, anvil: CountedAnvil, senders: readonly Sender[]) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  // A chain of its own each, as the record in the store is by chain: what the last one left behind is none of this one's.
  const anvil = await startCountedAnvil({ chainId: nextChainId++, signal })
  try {
    await anvil.setAutomine(false)
    const senders = await fundSenders(anvil, senderCount)
    const broadcaster = await startLoadedBroadcaster({
      store: store.config,
      rpcUrl: anvil.rpcUrl,
      chain: anvil.chainId,
      pollIntervalMs,
    })
    try {
      return await work(broadcaster, anvil, senders)
    } finally {
      await broadcaster.stop()
    }
  } finally {
    await anvil.stop()
  }
}

let nextChainId = 31_401

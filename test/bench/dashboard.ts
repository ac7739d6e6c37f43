import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, BenchContext, Cell, Ratio } from './Bench.ts'
import { startCountedAnvil } from './countedAnvil.ts'
import { type LoadedBroadcaster, load, startLoadedBroadcaster } from './LoadedBroadcaster.ts'
import { hasRedis, type LoadStore, loadStores, noRedis } from './loadStores.ts'
import { median } from './quantile.ts'
import { fundSenders, type Sender, signTransfers } from './transfers.ts'

const senderCount = 200
const blockTimeMs = 500
const pollIntervalMs = 250
const maxUnanswered = 256
const pageCounts = [0, 1, 8] as const
const pollStatusMs = 1_000
const scrapeMs = 5_000

interface Round {
  readonly perS: number
  readonly cpuMsPerTx: number
}

export const dashboard: Bench = {
  name: 'dashboard',
  title: 'What the dashboard costs while somebody looks',
  question: `The load of \`throughput\`, in rounds that take turns: nobody looks, and ${pageCounts[1]} and ${pageCounts[2]} pages are open, each
as a browser has it (Server-Sent Events each 5 s, new samples for the charts, the whole page again each 5 s), with \`/status.json\` asked each
second and \`/metrics\` each 5 s. The floor is the round before it, in which nobody looks. The pages are read on the same machine: of what
they take, the processor time of the broadcaster's own process says what the broadcaster pays.`,

  async run(context) {
    const results: { store: LoadStore['name']; rounds: ReadonlyMap<number, readonly Round[]> }[] = []
    for (const startStore of loadStores()) {
      const store = await startStore()
      try {
        results.push({ store: store.name, rounds: await measureStore(store, context) })
      } finally {
        await store.stop()
      }
    }
    return {
      tables: [
        {
          title: 'Medians over the rounds',
          columns: [
            { name: 'store' },
            { name: 'pages open', digits: 0 },
            { name: 'to `included`', unit: '/s', digits: 0 },
            { name: 'CPU', unit: 'ms per tx', digits: 2 },
          ],
          rows: results.flatMap(({ store, rounds }) =>
            pageCounts.map((pages): Cell[] => {
              const those = rounds.get(pages) ?? []
              return [
                store,
                pages,
                median(those.map(({ perS }) => perS)),
                median(those.map(({ cpuMsPerTx }) => cpuMsPerTx)),
              ]
            }),
          ),
        },
      ],
      ratios: results.flatMap(({ store, rounds }): Ratio[] => {
        const alone = rounds.get(0) ?? []
        return pageCounts.slice(1).map((pages) => {
          const shares = (rounds.get(pages) ?? []).map(({ perS }, at) => perS / (alone[at]?.perS ?? perS))
          return {
            name: `throughput with ${store} and ${pages} ${pages === 1 ? 'page' : 'pages'} open`,
            value: median(shares),
            interval: [Math.min(...shares), Math.max(...shares)],
            floor: 'the round before it with nobody looking',
            aim: 0.95,
            better: 'higher',
          }
        })
      }),
      charts: [
        {
          kind: 'bar',
          name: 'rates',
          title: 'Transactions per second to `included`, by how many look',
          y: { title: 'per second' },
          categories: results.map(({ store }) => store),
          series: pageCounts.map((pages) => ({
            name: pages === 0 ? 'nobody looks' : `${pages} ${pages === 1 ? 'page' : 'pages'}`,
            values: results.map(({ rounds }) => median((rounds.get(pages) ?? []).map(({ perS }) => perS))),
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
  { say, signal, quick }: BenchContext,
): Promise<ReadonlyMap<number, readonly Round[]>> {
  const size = quick ? 600 : store.name === 'Redis' ? 6000 : 3000
  const rounds = quick ? 1 : 5
  const anvil = await startCountedAnvil({ blockTimeMs, signal })
  try {
    const senders = await fundSenders(anvil, senderCount)
    const broadcaster = await startLoadedBroadcaster({
      store: store.config,
      rpcUrl: anvil.rpcUrl,
      chain: anvil.chainId,
      pollIntervalMs,
    })
    try {
      const { url } = await broadcaster.ask({ kind: 'dashboard' })
      const measured = new Map<number, Round[]>(pageCounts.map((pages) => [pages, []]))
      // The first is for the compiler, and its figures are thrown away.
      await measureRound(broadcaster, senders, Math.min(size, 1000))
      for (let round = 1; round <= rounds; round++) {
        for (const pages of pageCounts) {
          signal.throwIfAborted()
          const looking = lookAt(url, pages)
          const one = await measureRound(broadcaster, senders, size).finally(() => looking.stop())
          measured.get(pages)?.push(one)
          say(
            `${store.name}, round ${round} of ${rounds}, ${pages} pages: ${one.perS.toFixed(0)} tx/s, ` +
              `${one.cpuMsPerTx.toFixed(2)} ms per tx`,
          )
        }
      }
      return measured
    } finally {
      await broadcaster.stop()
    }
  } finally {
    await anvil.stop()
  }
}

async function measureRound(
  broadcaster: LoadedBroadcaster,
  senders: readonly Sender[],
  size: number,
): Promise<Round> {
  await load(broadcaster, signTransfers(senders, size))
  const before = await broadcaster.ask({ kind: 'cpu' })
  const submitted = await broadcaster.ask({ kind: 'submit', maxUnanswered })
  const included = await broadcaster.ask({ kind: 'included' })
  const after = await broadcaster.ask({ kind: 'cpu' })
  if (included.failed > 0) throw new Error(`${included.failed} of ${size} transactions were not taken.`)
  // Their finality is work too, and none of the next round's.
  await delay(3 * blockTimeMs + 2 * pollIntervalMs)
  return {
    perS: (size / (included.lastAtMs - submitted.startedAtMs)) * 1000,
    cpuMsPerTx: (after.cpuMs - before.cpuMs) / size,
  }
}

/** So many pages, as browsers have them open, and what else asks while there are any. */
function lookAt(url: string, pages: number): { stop(): Promise<void> } {
  const ending = new AbortController()
  const { signal } = ending
  const read = async (path: string): Promise<void> => {
    const response = await fetch(`${url}${path}`, { signal })
    if (!response.ok) throw new Error(`The dashboard answered ${path} with ${response.status}.`)
    await response.arrayBuffer()
  }
  const every = async (ms: number, path: string): Promise<void> => {
    for (;;) {
      await read(path)
      await delay(ms, undefined, { signal })
    }
  }
  const page = async (): Promise<void> => {
    await read('/')
    await read('/history.json?span=hour')
    const events = await fetch(`${url}/events`, { signal })
    for await (const _ of events.body ?? [])
      await read(`/history.json?span=hour&after=${Date.now() - 10_000}`)
  }
  const work = Array.from({ length: pages }, () => [page(), every(scrapeMs, '/')]).flat()
  if (pages > 0) work.push(every(pollStatusMs, '/status.json'), every(scrapeMs, '/metrics'))
  let failed: unknown
  for (const one of work) {
    one.catch((error: unknown) => {
      if (!signal.aborted) failed ??= error
    })
  }
  return {
    async stop() {
      ending.abort()
      await Promise.allSettled(work)
      if (failed !== undefined) throw failed
    },
  }
}

import { type CosmosChain, CosmosChainUnavailable, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { type LossRun, runThroughLoss } from '../support/lossRun.ts'
import { aFifthOfEach, type LossWorld, localnetWorld, loopbackWorld } from '../support/lossWorlds.ts'
import type { Bench, BenchContext } from './Bench.ts'
import { type Stops, withStops } from './stops.ts'

export const loss: Bench = {
  name: 'loss',
  title: 'Through bad weather',
  question: `What it costs that nothing is lost. 200 transactions of both chain families, most of them transfers, some reverting,
aborted, without funds or sent by two wallets, go through a mixnet that loses: the loopback, where each message, up and down,
is lost, doubled and held back with a probability of a fifth each, and the local Nym network, where each of four hops loses
one packet in twenty, acknowledgements too. The chains say which outcome was right. The floor is the same on the same
mixnet without a fault. The wallets of the loopback ask again thirty times sooner than by default, as its delays are
shorter; on the Nym network everything is at its default, except that cover and pacing are off.`,
  async run(context) {
    const leftOut: string[] = []
    const runs: { readonly name: string; readonly run: LossRun }[] = []
    for (const { name, open } of worlds) {
      const run = await withStops((stops) => through(context, open, stops, leftOut))
      context.say(`${name}: ${run.right} of ${run.transactions} right, in ${Math.round(run.tookMs / 1000)} s`)
      runs.push({ name, run })
    }
    const each = (count: number, { transactions }: LossRun): number => count / transactions
    const requests = (at: number) => runs[at] && each(runs[at].run.requests, runs[at].run)
    return {
      tables: [
        {
          title: 'Outcomes, and what a transaction cost on average',
          columns: [
            { name: 'mixnet' },
            { name: 'right outcomes' },
            { name: 'transactions' },
            { name: 'sent to a node twice' },
            { name: 'messages up', digits: 2 },
            { name: 'SURBs', digits: 2 },
            { name: 'answers', digits: 2 },
            { name: 'packets up', digits: 2 },
            { name: 'packets back', digits: 2 },
            { name: 'lost', digits: 2 },
          ],
          rows: runs.map(({ name, run }) => [
            name,
            run.right,
            run.transactions,
            run.submissions.more,
            each(run.requests, run),
            each(run.surbs, run),
            each(run.replies, run),
            each(run.packetsUp, run),
            each(run.packetsDown, run),
            each(run.lost, run),
          ]),
        },
        {
          title: 'From the call to its outcome',
          columns: [
            { name: 'mixnet' },
            ...stages.flatMap((stage) => [
              { name: `${stage}: p50`, unit: 'ms', digits: 0 },
              { name: 'p95', unit: 'ms', digits: 0 },
            ]),
          ],
          rows: runs.map(({ name, run: { latency } }) => [
            name,
            ...stages.flatMap((stage) => [latency[stage].p50Ms, latency[stage].p95Ms]),
          ]),
        },
      ],
      ratios: [
        ...runs.map(({ name, run }) => ({
          name: `${name}: right outcomes`,
          value: run.right / run.transactions,
          floor: 'all',
          limit: 1,
          better: 'higher' as const,
        })),
        ...[1, 3].flatMap((at) => {
          const [rough, calm, name] = [requests(at), requests(at - 1), runs[at]?.name]
          if (rough === undefined || calm === undefined || name === undefined) return []
          const value = rough / calm
          return [{ name: `${name}: messages up`, value, floor: 'without a fault', better: 'lower' as const }]
        }),
      ],
      charts: [
        {
          kind: 'bar',
          name: 'latency',
          title: 'From the call to its outcome, 95th percentile',
          y: { title: 'ms' },
          categories: stages.map((stage) => `until ${stage}`),
          series: runs.map(({ name, run: { latency } }) => ({
            name,
            values: stages.map((stage) => Math.round(latency[stage].p95Ms)),
          })),
        },
      ],
      notes: runs.flatMap(({ name, run }) => run.wrong.map((fault) => `Wrong on ${name}: ${fault}`)),
      leftOut: [...new Set(leftOut)],
    }
  },
}

const stages = ['accepted', 'included', 'final'] as const

const worlds: readonly { readonly name: string; open(): Promise<LossWorld> }[] = [
  { name: 'loopback', open: async () => loopbackWorld({ ...aFifthOfEach, ...calm }) },
  { name: 'loopback, a fifth lost', open: async () => loopbackWorld() },
  { name: 'Nym network', open: () => localnetWorld(0) },
  { name: 'Nym network, a twentieth lost per hop', open: () => localnetWorld() },
]

const calm = { loss: 0, duplication: 0, reordering: 0 }

async function through(
  context: BenchContext,
  open: () => Promise<LossWorld>,
  stops: Stops,
  leftOut: string[],
): Promise<LossRun> {
  const { signal, quick } = context
  const anvil = await startAnvil({ blockTimeMs: 200, signal })
  stops.add(anvil.stop)
  const cosmos = await startCosmos(context, leftOut)
  if (cosmos) stops.add(cosmos.stop)
  const world = await open()
  stops.add(world.stop)
  return runThroughLoss({
    world,
    anvil,
    cosmos,
    transactions: quick ? 40 : 200,
    wallets: 2,
    atOncePerSender: 4,
    signal,
  })
}

async function startCosmos(
  { signal, say }: BenchContext,
  leftOut: string[],
): Promise<CosmosChain | undefined> {
  try {
    return await startCosmosChain({ blockTimeMs: 250, signal, onProgress: say })
  } catch (error) {
    if (!(error instanceof CosmosChainUnavailable)) throw error
    leftOut.push(`the Cosmos chain (${error.message})`)
    return undefined
  }
}

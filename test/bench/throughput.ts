import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { bytesToHex, createPublicClient, http } from 'viem'
import type { Bench, BenchContext, BenchResult, Cell, Ratio } from './Bench.ts'
import { type CountedAnvil, callsBetween, startCountedAnvil } from './countedAnvil.ts'
import { type LoadedBroadcaster, load, startLoadedBroadcaster } from './LoadedBroadcaster.ts'
import { hasRedis, type LoadStore, loadStores, noRedis } from './loadStores.ts'
import { median, quantile } from './quantile.ts'
import { fundSenders, type Sender, signTransfers } from './transfers.ts'

const senderCount = 200
const blockTimeMs = 500
const pollIntervalMs = 250
/** Workers of the broadcaster's submit stage, and what viem sends at once. */
const sendsAtOnce = 32
const maxUnanswered = 256

interface Round {
  readonly broadcasterPerS: number
  readonly jobsPerS: number
  readonly viemPerS: number
  readonly recoveriesPerS: number
  readonly floorPerS: number
  readonly otherCallsPerTx: number
  readonly cpuMsPerTx: number
  readonly acceptedMs: readonly number[]
  readonly includedMs: readonly number[]
}

export const throughput: Bench = {
  name: 'throughput',
  title: 'Transactions per second, the broadcaster alone',
  question: `How many transactions a second the broadcaster takes from \`submit\` to \`included\`, without the mixnet:
signed transfers of ${senderCount} accounts, in runs of consecutive nonces, handed over in memory, into an anvil with a block each
${blockTimeMs} ms. The floor is the smallest of three, each measured in the same round: half the no-op jobs a second of the same
BullMQ on the same store, what viem alone gets into the same anvil with ${sendsAtOnce} requests at once, and parsed and recovered
signatures a second. Calls to the chain are counted by anvil.`,

  async run(context) {
    const results = []
    for (const startStore of loadStores()) {
      const store = await startStore()
      try {
        results.push({ store: store.name, rounds: await measureStore(store, context) })
      } finally {
        await store.stop()
      }
    }
    return describe(results)
  },
}

async function measureStore(store: LoadStore, { say, signal, quick }: BenchContext): Promise<Round[]> {
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
      const measured: Round[] = []
      // The first is for the compiler, and its figures are thrown away.
      for (let round = 0; round <= rounds; round++) {
        signal.throwIfAborted()
        const warm = round === 0
        const one = await measureRound(broadcaster, anvil, senders, warm ? Math.min(size, 1000) : size)
        if (!warm) measured.push(one)
        say(
          `${store.name}, ${warm ? 'warming up' : `round ${round} of ${rounds}`}: ${one.broadcasterPerS.toFixed(0)} tx/s; ` +
            `floors: jobs/2 ${(one.jobsPerS / 2).toFixed(0)}, viem ${one.viemPerS.toFixed(0)}, ` +
            `recoveries ${one.recoveriesPerS.toFixed(0)}`,
        )
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
  anvil: CountedAnvil,
  senders: readonly Sender[],
  size: number,
): Promise<Round> {
  const jobs = await broadcaster.ask({
    kind: 'noopJobs',
    count: size,
    concurrency: sendsAtOnce,
    maxAddsAtOnce: sendsAtOnce,
  })
  const viemMs = await sendWithViem(anvil, signTransfers(senders, size))

  const transactions = signTransfers(senders, size)
  const recoveries = await broadcaster.ask({ kind: 'recoveries', transactions: transactions.slice(0, 1000) })
  await load(broadcaster, transactions)
  const callsBefore = anvil.calls()
  const cpuBefore = await broadcaster.ask({ kind: 'cpu' })
  const submitted = await broadcaster.ask({ kind: 'submit', maxUnanswered })
  const included = await broadcaster.ask({ kind: 'included' })
  const cpuAfter = await broadcaster.ask({ kind: 'cpu' })
  const calls = callsBetween(callsBefore, anvil.calls())
  if (included.failed > 0) throw new Error(`${included.failed} of ${size} transactions were not taken.`)
  // Their finality is work too, and none of the next round's.
  await delay(3 * blockTimeMs + 2 * pollIntervalMs)

  const rates = {
    jobsPerS: (size / jobs.tookMs) * 1000,
    viemPerS: (size / viemMs) * 1000,
    recoveriesPerS: (Math.min(size, 1000) / recoveries.tookMs) * 1000,
  }
  return {
    ...rates,
    broadcasterPerS: (size / (included.lastAtMs - submitted.startedAtMs)) * 1000,
    floorPerS: Math.min(rates.jobsPerS / 2, rates.viemPerS, rates.recoveriesPerS),
    otherCallsPerTx: calls.others / size,
    cpuMsPerTx: (cpuAfter.cpuMs - cpuBefore.cpuMs) / size,
    acceptedMs: submitted.acceptedMs,
    includedMs: included.includedMs,
  }
}

/** Milliseconds until the last of them is in a block. */
async function sendWithViem(anvil: CountedAnvil, transactions: readonly Uint8Array[]): Promise<number> {
  const client = createPublicClient({ transport: http(anvil.rpcUrl, { retryCount: 0 }), cacheTime: 0 })
  const raw = transactions.map((bytes) => bytesToHex(bytes))
  let height = await client.getBlockNumber()
  const startMs = performance.now()
  let next = 0
  const send = async (): Promise<void> => {
    for (let one = raw[next++]; one !== undefined; one = raw[next++]) {
      await client.sendRawTransaction({ serializedTransaction: one })
    }
  }
  const sending = Promise.all(Array.from({ length: sendsAtOnce }, send))
  let included = 0
  while (included < raw.length) {
    const head = await client.getBlockNumber()
    for (; height < head; height++)
      included += await client.getBlockTransactionCount({ blockNumber: height + 1n })
    if (included < raw.length) await delay(20)
  }
  await sending
  return performance.now() - startMs
}

function describe(results: readonly { store: LoadStore['name']; rounds: readonly Round[] }[]): BenchResult {
  return {
    tables: [
      {
        title: 'Medians over the rounds',
        columns: [
          { name: 'store' },
          { name: 'to `included`', unit: '/s', digits: 0 },
          { name: 'no-op jobs / 2', unit: '/s', digits: 0 },
          { name: 'viem alone', unit: '/s', digits: 0 },
          { name: 'recoveries', unit: '/s', digits: 0 },
          { name: 'of the floor', digits: 2 },
          { name: 'other calls', unit: 'per tx', digits: 3 },
          { name: 'CPU', unit: 'ms per tx', digits: 2 },
          { name: '`accepted` p50', unit: 'ms', digits: 0 },
          { name: '`included` p50', unit: 'ms', digits: 0 },
          { name: '`included` p95', unit: 'ms', digits: 0 },
        ],
        rows: results.map(({ store, rounds }): Cell[] => {
          const included = rounds.flatMap((round) => round.includedMs)
          return [
            store,
            median(rounds.map((round) => round.broadcasterPerS)),
            median(rounds.map((round) => round.jobsPerS / 2)),
            median(rounds.map((round) => round.viemPerS)),
            median(rounds.map((round) => round.recoveriesPerS)),
            median(rounds.map((round) => round.broadcasterPerS / round.floorPerS)),
            median(rounds.map((round) => round.otherCallsPerTx)),
            median(rounds.map((round) => round.cpuMsPerTx)),
            median(rounds.flatMap((round) => round.acceptedMs)),
            median(included),
            quantile(included, 0.95),
          ]
        }),
      },
    ],
    ratios: results.flatMap(({ store, rounds }): Ratio[] => {
      const shares = rounds.map((round) => round.broadcasterPerS / round.floorPerS)
      const calls = rounds.map((round) => round.otherCallsPerTx)
      return [
        {
          name: `throughput with ${store}`,
          value: median(shares),
          interval: [Math.min(...shares), Math.max(...shares)],
          floor: 'the smallest of no-op jobs / 2, viem alone and recoveries',
          aim: 0.5,
          better: 'higher',
        },
        {
          name: `calls to the chain per transaction beside its submission, with ${store}`,
          value: median(calls),
          interval: [Math.min(...calls), Math.max(...calls)],
          floor: 'one submission',
          aim: 0.1,
          better: 'lower',
        },
      ]
    }),
    charts: [
      {
        kind: 'bar',
        name: 'rates',
        title: 'Transactions per second to `included`, and what bounds them',
        y: { title: 'per second', log: true },
        categories: results.map(({ store }) => store),
        series: [
          bars('to `included`', (round) => round.broadcasterPerS),
          bars('no-op jobs / 2', (round) => round.jobsPerS / 2),
          bars('viem alone', (round) => round.viemPerS),
          bars('recoveries', (round) => round.recoveriesPerS),
        ],
      },
    ],
    notes: [],
    leftOut: hasRedis() ? [] : [noRedis],
  }

  function bars(name: string, value: (round: Round) => number) {
    return { name, values: results.map(({ rounds }) => median(rounds.map(value))) }
  }
}

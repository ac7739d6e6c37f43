import { setTimeout as delay } from 'node:timers/promises'
import { startFaultyEndpoint } from '../support/faultyEndpoint.ts'
import type { Bench, BenchContext, Cell } from './Bench.ts'
import { startCountedAnvil } from './countedAnvil.ts'
import { load, startLoadedBroadcaster } from './LoadedBroadcaster.ts'
import { hasRedis, type LoadStore, loadStores, noRedis } from './loadStores.ts'
import { median } from './quantile.ts'
import { withStops } from './stops.ts'
import { fundSenders, signTransfers } from './transfers.ts'

const senderCount = 100
const pollIntervalMs = 500
const maxUnanswered = 256
const settleMs = 500

type Case = 'idle' | 'under load' | 'endpoint silent'
const cases: readonly Case[] = ['idle', 'under load', 'endpoint silent']

export const drain: Bench = {
  name: 'drain',
  title: 'Time to drain',
  question: `From the call that stops a broadcaster, as SIGTERM does, until nothing of it runs: with nothing to do; right after
the last of 1,000 transactions was accepted, while they are handed over and watched; and with an endpoint that takes transactions and
never answers, whose jobs are cancelled after half of \`drainLimitMs\` (10 s) and go back into the queue. The floor is the stop
with nothing to do. All with anvil, over the loopback.`,

  async run(context) {
    const rows: Cell[][] = []
    const ratios = []
    for (const startStore of loadStores()) {
      const measured = new Map<Case, number[]>()
      let name = ''
      for (let round = 0; round < (context.quick ? 1 : 5); round++) {
        for (const one of cases) {
          const store = await startStore()
          name = store.name
          const tookMs = await measure(store, one, context)
          measured.set(one, [...(measured.get(one) ?? []), tookMs])
          context.say(`${store.name}, ${one}: ${tookMs.toFixed(0)} ms`)
        }
      }
      for (const [one, samples] of measured) {
        rows.push([name, one, samples.length, median(samples), Math.max(...samples)])
      }
      const idle = median(measured.get('idle') ?? [])
      for (const one of ['under load', 'endpoint silent'] as const) {
        ratios.push({
          name: `drain, ${one}, ${name}`,
          value: median(measured.get(one) ?? []) / idle,
          floor: 'a stop with nothing to do',
          better: 'lower' as const,
        })
      }
    }
    return {
      tables: [
        {
          title: '',
          columns: [
            { name: 'store' },
            { name: 'when' },
            { name: 'stops' },
            { name: 'median', unit: 'ms', digits: 0 },
            { name: 'slowest', unit: 'ms', digits: 0 },
          ],
          rows,
        },
      ],
      ratios,
      charts: [],
      notes: [
        "Under load the whole limit is used: the thousand wallets that wait are told what is known, and the stop allows their replies the time that a Nym client's pace takes, 20 ms a packet, also where the loopback has none.",
      ],
      leftOut: hasRedis() ? [] : [noRedis],
    }
  },
}

function measure(store: LoadStore, one: Case, { signal, quick }: BenchContext): Promise<number> {
  return withStops(async (stops) => {
    stops.add(() => store.stop())
    const anvil = await startCountedAnvil({ signal })
    stops.add(() => anvil.stop())
    const endpoint = await startFaultyEndpoint(anvil.rpcUrl)
    stops.add(() => endpoint.stop())
    const broadcaster = await startLoadedBroadcaster({
      store: store.config,
      rpcUrl: endpoint.url,
      chain: anvil.chainId,
      pollIntervalMs,
    })
    stops.add(() => broadcaster.stop())
    await delay(settleMs, undefined, { signal })
    if (one !== 'idle') {
      const senders = await fundSenders(anvil, senderCount)
      if (one === 'endpoint silent') endpoint.set({ mode: 'hang', methods: ['eth_sendRawTransaction'] })
      await load(broadcaster, signTransfers(senders, quick ? 200 : 1_000))
      await broadcaster.ask({ kind: 'submit', maxUnanswered })
    }
    const startMs = performance.now()
    await broadcaster.ask({ kind: 'stop' })
    return performance.now() - startMs
  })
}

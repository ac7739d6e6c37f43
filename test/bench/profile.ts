import { setTimeout as delay } from 'node:timers/promises'
import type { Bench } from './Bench.ts'
import { startCountedAnvil } from './countedAnvil.ts'
import { type Cost, load, startLoadedBroadcaster } from './LoadedBroadcaster.ts'
import { hasRedis, loadStores, noRedis } from './loadStores.ts'
import { fundSenders, signTransfers } from './transfers.ts'

const senderCount = 200
const blockTimeMs = 500
const pollIntervalMs = 250
const maxUnanswered = 256
const shownFunctions = 12
const shownParts = 12

export const profile: Bench = {
  name: 'profile',
  title: 'What the broadcaster spends its processor on',
  question: `The CPU profile of a broadcaster that brings signed transfers of ${senderCount} accounts to \`final\` as fast as it can,
sampled each half millisecond by V8 itself. Shares are of the time in which the process was busy; a function's share is its
own time, without what it calls. What feeds the broadcaster runs in the same process and is named as this bench.`,

  async run({ say, signal, quick }) {
    const size = quick ? 600 : 6000
    const tables = []
    for (const startStore of loadStores()) {
      const store = await startStore()
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
          await load(broadcaster, signTransfers(senders, 1000))
          await broadcaster.ask({ kind: 'submit', maxUnanswered })
          await broadcaster.ask({ kind: 'included' })
          await load(broadcaster, signTransfers(senders, size))
          signal.throwIfAborted()
          say(`${store.name}: ${size} transactions under the profiler`)
          await broadcaster.ask({ kind: 'startProfile' })
          await broadcaster.ask({ kind: 'submit', maxUnanswered })
          await broadcaster.ask({ kind: 'included' })
          await delay(3 * blockTimeMs + 2 * pollIntervalMs)
          const costs = await broadcaster.ask({ kind: 'stopProfile' })
          tables.push(
            tableOf(`The largest by function, with ${store.name}`, costs.slice(0, shownFunctions), size),
          )
          tables.push(
            tableOf(`By package or file, with ${store.name}`, byPart(costs).slice(0, shownParts), size),
          )
        } finally {
          await broadcaster.stop()
        }
      } finally {
        await anvil.stop()
        await store.stop()
      }
    }
    return { tables, ratios: [], charts: [], notes: [], leftOut: hasRedis() ? [] : [noRedis] }
  },
}

function tableOf(title: string, costs: readonly Cost[], transactions: number) {
  return {
    title,
    columns: [
      { name: 'where' },
      { name: 'function' },
      { name: 'share', unit: '%', digits: 1 },
      { name: 'own time', unit: 'µs per tx', digits: 0 },
    ],
    rows: costs.map(({ part, name, share, selfMs }) => [
      part,
      name,
      share * 100,
      (selfMs * 1000) / transactions,
    ]),
  }
}

function byPart(costs: readonly Cost[]): Cost[] {
  const parts = new Map<string, Cost>()
  for (const { part, share, selfMs } of costs) {
    const known = parts.get(part)
    parts.set(part, {
      part,
      name: '',
      share: share + (known?.share ?? 0),
      selfMs: selfMs + (known?.selfMs ?? 0),
    })
  }
  return [...parts.values()].sort((a, b) => b.share - a.share)
}

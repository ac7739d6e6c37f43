import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Cell } from './Bench.ts'
import { startCountedAnvil, untilHandedOver } from './countedAnvil.ts'
import { type Answers, load, startLoadedBroadcaster } from './LoadedBroadcaster.ts'
import { hasRedis, loadStores, noRedis } from './loadStores.ts'
import { fundSenders, signTransfers } from './transfers.ts'

const senderCount = 200
const pollIntervalMs = 500
const maxUnanswered = 256
const bytesPerMiB = 1_048_576
const warmUp = 500

export const memory: Bench = {
  name: 'memory',
  title: 'Resident memory, idle and with transactions waiting',
  question: `What the broadcaster's process holds when nothing has come yet, and when as many transactions as the table
says wait for a block on a chain that makes none, each with a wallet that waits for its answer. Measured after a garbage
collection; what feeds the broadcaster is in the same process and counted with it, the store's server is not.`,

  async run({ say, signal, quick }) {
    const steps = quick ? [500, 1000] : [1000, 3000, 10_000]
    const rows: Cell[][] = []
    const series = []
    for (const startStore of loadStores()) {
      const store = await startStore()
      const anvil = await startCountedAnvil({ signal })
      try {
        await anvil.setAutomine(false)
        const senders = await fundSenders(anvil, senderCount)
        const broadcaster = await startLoadedBroadcaster({
          store: store.config,
          rpcUrl: anvil.rpcUrl,
          chain: anvil.chainId,
          pollIntervalMs,
        })
        const points: [number, number][] = []
        const note = (waiting: number, held: Answers['memory']): void => {
          points.push([waiting, held.rssBytes / bytesPerMiB])
          rows.push([store.name, waiting, held.rssBytes / bytesPerMiB, held.heapUsedBytes / bytesPerMiB])
          say(`${store.name}: ${(held.rssBytes / bytesPerMiB).toFixed(0)} MiB with ${waiting} waiting`)
        }
        try {
          await delay(2000, undefined, { signal })
          note(0, await broadcaster.ask({ kind: 'memory' }))
          let waiting = 0
          for (const step of [warmUp, ...steps]) {
            await load(broadcaster, signTransfers(senders, step - waiting))
            await broadcaster.ask({ kind: 'submit', maxUnanswered })
            await untilHandedOver(anvil, step, signal)
            waiting = step
            if (steps.includes(step)) note(step, await broadcaster.ask({ kind: 'memory' }))
          }
        } finally {
          await broadcaster.stop()
        }
        series.push({ name: store.name, points })
      } finally {
        await anvil.stop()
        await store.stop()
      }
    }
    return {
      tables: [
        {
          title: 'After a garbage collection',
          columns: [
            { name: 'store' },
            { name: 'waiting', digits: 0 },
            { name: 'resident', unit: 'MiB', digits: 0 },
            { name: 'JavaScript heap', unit: 'MiB', digits: 0 },
          ],
          rows,
        },
      ],
      ratios: [],
      charts: [
        {
          kind: 'line',
          name: 'resident',
          title: 'Resident memory of the broadcaster’s process',
          x: { title: 'waiting transactions' },
          y: { title: 'resident, MiB' },
          series,
        },
      ],
      notes: [],
      leftOut: hasRedis() ? [] : [noRedis],
    }
  },
}

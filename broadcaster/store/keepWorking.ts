import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'bullmq'

const firstPauseMs = 100
const maxPauseMs = 5_000

/** The workers of one store, of which each goes on until it is closed. */
export interface KeptWorkers {
  readonly size: number
  /** Makes `run()` begin anew whenever it ends without having been closed. */
  keep(worker: Worker): void
  /** False while one that was run has stopped by itself. */
  working(): boolean
  /** Without waiting for what they work on. */
  close(): Promise<void>
}

/** @param onChange called with their number as workers come and go */
export function keepWorking(onChange: (size: number) => void = () => {}): KeptWorkers {
  const workers = new Set<Worker>()
  const stopped = new Set<Worker>()

  return {
    get size() {
      return workers.size
    },
    keep(worker) {
      const closing = new AbortController()
      const runOnce = worker.run.bind(worker)
      worker.run = async () => {
        let pauseMs = firstPauseMs
        while (!closing.signal.aborted) {
          const startedAtMs = Date.now()
          // What ended it is a fault of the queue's own: its text may hold a server's address.
          await runOnce().catch(() => {})
          if (closing.signal.aborted) return
          stopped.add(worker)
          if (Date.now() - startedAtMs > maxPauseMs) pauseMs = firstPauseMs
          await delay(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => {})
          pauseMs = Math.min(pauseMs * 2, maxPauseMs)
          stopped.delete(worker)
        }
      }
      worker.on('error', () => {})
      worker.once('closing', () => {
        closing.abort()
        stopped.delete(worker)
      })
      worker.once('closed', () => {
        workers.delete(worker)
        onChange(workers.size)
      })
      workers.add(worker)
      onChange(workers.size)
    },
    working: () => stopped.size === 0,
    async close() {
      await Promise.allSettled([...workers].map((worker) => worker.close(true)))
    },
  }
}

import { randomUUID } from 'node:crypto'
import type { TxStore } from '../store/TxStore.ts'

/** As long as BullMQ takes to see that a worker died: a lease of a killed process holds nobody up for longer. */
const leaseMs = 5_000
const renewMs = 1_500

/**
 * Runs `work` as the only one that holds this lease, in any process, and renews it meanwhile. The signal aborts where the
 * lease was lost all the same, as by a process that stood still.
 *
 * @returns undefined where another holds it
 */
export async function withLease<T>(
  records: TxStore,
  name: string,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  // A name of this run alone: process ids repeat between containers, and job ids between runs.
  const owner = randomUUID()
  if (!(await records.lease(name, owner, leaseMs))) return undefined
  const lost = new AbortController()
  let renewing: Promise<void> = Promise.resolve()
  const renew = async (): Promise<void> => {
    // A store that does not answer now may answer the next time; until then the lease runs on.
    if ((await records.lease(name, owner, leaseMs).catch(() => true)) === false) lost.abort()
  }
  const timer = setInterval(() => {
    renewing = renewing.then(renew)
  }, renewMs)
  try {
    return await work(signal ? AbortSignal.any([signal, lost.signal]) : lost.signal)
  } finally {
    clearInterval(timer)
    await renewing
    // It ends by itself in a moment: what was done under it must not look as if it had failed.
    await records.unlease(name, owner).catch(() => undefined)
  }
}

import type { ChainId } from '@veilcast/shared/protocol'
import { type BatchLimits, inBatches } from '../store/inBatches.ts'
import type { QueueBackend } from '../store/QueueBackend.ts'
import type { Mac, TxKey, TxRecord } from '../store/TxStore.ts'

export const submitQueue = 'submit'

/** Keyed hashes only: job data lies in the store in clear text. */
export interface SubmitJob {
  readonly key: TxKey
  readonly chain: ChainId
  /** The record's `laneMac`. */
  readonly lane: Mac | null
  /**
   * What to hand over although it was handed over before, this record or others of its lane: not seen in a block since, or
   * an endpoint did not take it.
   */
  readonly again: readonly TxKey[]
  /** How often the job had stalled when it was last worked on. */
  readonly stalls: number
}

/** What lies in the store may have been written by another release. */
export function isSubmitJob(data: unknown): data is SubmitJob {
  if (typeof data !== 'object' || data === null) return false
  const { key, chain, lane, again, stalls } = data as Partial<SubmitJob>
  return (
    typeof key === 'string' &&
    typeof chain === 'string' &&
    (lane === null || typeof lane === 'string') &&
    Array.isArray(again) &&
    typeof stalls === 'number'
  )
}

const limits: BatchLimits = { maxItemsPerBatch: 64, maxBatchesUnderWay: 2, maxItemsWaiting: 8_192 }

export interface SubmitJobs {
  /** A hint that this record needs handing over. A job that is there already is left as it is. */
  add(record: TxRecord, options?: { readonly again?: boolean }): Promise<void>
}

export function createSubmitJobs(queues: QueueBackend): SubmitJobs {
  const queue = queues.queue(submitQueue)
  const addAll = inBatches<SubmitJob, true>(limits, async (jobs) => {
    // In the order of the keys, so that two processes never wait for each other.
    const sorted = [...jobs].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    // What fails is every admission of the batch, and each job is added once, however often it is asked for.
    await addOnce(sorted).catch(() => addOnce(sorted))
    return jobs.map(() => true)
  })

  async function addOnce(jobs: readonly SubmitJob[]): Promise<void> {
    const made = jobs.map((data) => ({
      name: 'submit',
      data,
      opts: { jobId: data.key, removeOnComplete: true, removeOnFail: true },
    }))
    const [first, ...more] = made
    if (first && more.length === 0) await queue.add(first.name, first.data, first.opts)
    else await queue.addBulk(made)
  }

  return {
    async add(record, options = {}) {
      const data: SubmitJob = {
        key: record.key,
        chain: record.chain,
        lane: record.laneMac,
        again: options.again ? [record.key] : [],
        stalls: 0,
      }
      await addAll(data)
    },
  }
}

import type { ChainId } from '@veilcast/shared/protocol'
import type { QueueBackend } from '../store/QueueBackend.ts'
import type { TxKey, TxRecord } from '../store/TxStore.ts'

export const submitQueue = 'submit'

/** Keys only: job data lies in the store in clear text. */
export interface SubmitJob {
  readonly key: TxKey
  readonly chain: ChainId
  /** Hand it over although it was handed over before: it was not seen in a block since, or an endpoint had held it back. */
  readonly again: boolean
  /** How long the next wait is. */
  readonly delayMs: number
}

/** Most jobs wait this long at first, and twice as long each time after. */
export const firstDelayMs = 200
export const maxDelayMs = 5000

export interface SubmitJobs {
  /** A hint that this record needs handing over. A job that is there already is left as it is. */
  add(record: TxRecord, options?: { readonly again?: boolean }): Promise<void>
}

export function createSubmitJobs(queues: QueueBackend): SubmitJobs {
  const queue = queues.queue(submitQueue)
  return {
    async add(record, options = {}) {
      const data: SubmitJob = {
        key: record.key,
        chain: record.chain,
        again: options.again ?? false,
        delayMs: firstDelayMs,
      }
      await queue.add('submit', data, { jobId: record.key, removeOnComplete: true, removeOnFail: true })
    },
  }
}

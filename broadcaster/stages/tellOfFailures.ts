import type { Worker } from 'bullmq'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { JobError } from '../store/withoutForeignErrors.ts'

/**
 * A job that fails is a fault of ours: logged and counted. Reconcile makes it anew from the record. What the queue itself
 * throws, as when its store ends one of two transactions that wait for each other, comes after the job's work: no alarm.
 */
export function tellOfFailures(worker: Worker, parts: { metrics: Metrics; logger: Logger }): void {
  worker.on('failed', (_job, error) => {
    if (!(error instanceof JobError)) {
      parts.logger.warn({ err: error, queue: worker.name }, 'the queue could not put a job away')
      return
    }
    parts.metrics.failedJobs.inc({ queue: worker.name })
    parts.logger.error({ err: error, queue: worker.name }, 'a job failed')
  })
}

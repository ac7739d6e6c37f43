import type { Worker } from 'bullmq'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'

/** A job that fails is a fault of ours: logged and counted. Reconcile makes it anew from the record. */
export function tellOfFailures(worker: Worker, parts: { metrics: Metrics; logger: Logger }): void {
  worker.on('failed', (_job, error) => {
    parts.metrics.failedJobs.inc({ queue: worker.name })
    parts.logger.error({ err: error, queue: worker.name }, 'a job failed')
  })
}

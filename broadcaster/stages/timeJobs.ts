import type { Worker } from 'bullmq'
import type { Metrics } from '../observability/metrics.ts'

/** Counts how long jobs wait and take. What comes back again waits for its own reasons, and is left out of the waits. */
export function timeJobs(worker: Worker, metrics: Metrics): void {
  const queue = worker.name
  // An increase from nothing would be none.
  metrics.failedJobs.inc({ queue }, 0)
  worker.on('active', ({ attemptsStarted, processedOn, timestamp, delay }) => {
    if (attemptsStarted !== 1 || processedOn === undefined) return
    // Two machines' clocks.
    metrics.queueWaitSeconds.observe({ queue }, Math.max(0, processedOn - timestamp - delay) / 1000)
  })
  worker.on('completed', ({ processedOn, finishedOn }) => {
    if (processedOn === undefined || finishedOn === undefined) return
    metrics.jobSeconds.observe({ queue }, (finishedOn - processedOn) / 1000)
  })
}

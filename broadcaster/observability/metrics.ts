import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { stageBuckets } from '../fleet/durations.ts'

/**
 * What the broadcaster counts. Labels are chains, endpoint ids, operators, stages, kinds and error names: nothing that names a user. A
 * histogram's or counter's figures are of this process; what the store alone knows is the same in every process.
 */
export interface Metrics {
  readonly registry: Registry
  /** Prometheus text, as everything is now. */
  text(): Promise<string>
  /** Called before each text, to set what is only read when it is asked for. */
  onText(collect: () => Promise<void>): void
  readonly requests: Counter<'kind'>
  readonly replies: Counter<'kind'>
  readonly replyPackets: Counter
  readonly failures: Counter<'error'>
  readonly reads: Counter<'chain' | 'from'>
  readonly stageSeconds: Histogram<'chain' | 'stage'>
  readonly endpointRequestSeconds: Histogram<'chain' | 'endpoint'>
  readonly endpointRequests: Counter<'chain' | 'endpoint' | 'outcome'>
  readonly queueWaitSeconds: Histogram<'queue'>
  readonly jobSeconds: Histogram<'queue'>
  readonly handedOver: Counter<'chain' | 'result'>
  readonly contradictions: Counter<'chain'>
  readonly failedJobs: Counter<'queue'>
}

const jobBuckets = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'veilcast_' })
  // Gauges that are called as counters are; what they add up is in `active_resources`, by type.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`veilcast_nodejs_active_${kind}_total`)
  }
  const collectors: (() => Promise<void>)[] = []
  return {
    registry,
    async text() {
      await Promise.all(collectors.map((collect) => collect()))
      return registry.metrics()
    },
    onText(collect) {
      collectors.push(collect)
    },
    requests: new Counter({
      name: 'veilcast_requests_total',
      help: 'Messages from the mixnet, by kind; `garbage` is what was none, `copy` what came twice.',
      labelNames: ['kind'],
      registers,
    }),
    replies: new Counter({
      name: 'veilcast_replies_total',
      help: 'Replies handed to the mixnet, by kind or stage.',
      labelNames: ['kind'],
      registers,
    }),
    replyPackets: new Counter({
      name: 'veilcast_reply_packets_total',
      help: 'Reply packets, and so SURBs, spent.',
      registers,
    }),
    failures: new Counter({
      name: 'veilcast_failures_total',
      help: 'Failures told to wallets, by name in the catalogue.',
      labelNames: ['error'],
      registers,
    }),
    reads: new Counter({
      name: 'veilcast_reads_total',
      help: 'Reads that wallets asked, by where the answer came from: refused, here, cached since the newest block, shared with one under way, node.',
      labelNames: ['chain', 'from'],
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'veilcast_stage_seconds',
      help: 'Seconds from admission to a stage.',
      labelNames: ['chain', 'stage'],
      buckets: stageBuckets,
      registers,
    }),
    endpointRequestSeconds: new Histogram({
      name: 'veilcast_endpoint_request_seconds',
      help: 'Seconds that requests to an endpoint took, probes too, however they ended.',
      labelNames: ['chain', 'endpoint'],
      buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8],
      registers,
    }),
    endpointRequests: new Counter({
      name: 'veilcast_endpoint_requests_total',
      help: 'Requests to an endpoint, probes too, by what came of them: answered, or why not.',
      labelNames: ['chain', 'endpoint', 'outcome'],
      registers,
    }),
    queueWaitSeconds: new Histogram({
      name: 'veilcast_queue_wait_seconds',
      help: 'Seconds that a job waited before a worker of this process took it for the first time.',
      labelNames: ['queue'],
      buckets: jobBuckets,
      registers,
    }),
    jobSeconds: new Histogram({
      name: 'veilcast_job_seconds',
      help: 'Seconds that a worker of this process had a job that it finished.',
      labelNames: ['queue'],
      buckets: jobBuckets,
      registers,
    }),
    handedOver: new Counter({
      name: 'veilcast_handed_over_total',
      help: 'Transactions handed to an endpoint, by what came back.',
      labelNames: ['chain', 'result'],
      registers,
    }),
    contradictions: new Counter({
      name: 'veilcast_contradictions_total',
      help: 'Transactions of ours in a block that two endpoints contradict each other about: one of them lies.',
      labelNames: ['chain'],
      registers,
    }),
    failedJobs: new Counter({
      name: 'veilcast_failed_jobs_total',
      help: 'Jobs that failed, each a fault of ours: worth an alarm.',
      labelNames: ['queue'],
      registers,
    }),
  }
}

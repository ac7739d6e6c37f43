import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { stageBuckets } from '../fleet/durations.ts'

/** What the broadcaster counts. Labels are chains, stages, kinds and error names: nothing that names a user. */
export interface Metrics {
  readonly registry: Registry
  readonly requests: Counter<'kind'>
  readonly replies: Counter<'kind'>
  readonly replyPackets: Counter
  readonly failures: Counter<'error'>
  readonly reads: Counter<'chain' | 'from'>
  readonly stageSeconds: Histogram<'chain' | 'stage'>
  readonly liveTransactions: Gauge<'chain'>
  readonly blockHeight: Gauge<'chain'>
  readonly endpointLive: Gauge<'chain' | 'endpoint'>
  readonly askers: Gauge
  readonly handedOver: Counter<'chain' | 'result'>
  readonly contradictions: Counter<'chain'>
  readonly failedJobs: Counter<'queue'>
  readonly roundTripSeconds: Gauge<'mixnet'>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'veilcast_' })
  return {
    registry,
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
    liveTransactions: new Gauge({
      name: 'veilcast_live_transactions',
      help: 'Transactions that have not reached an end.',
      labelNames: ['chain'],
      registers,
    }),
    blockHeight: new Gauge({
      name: 'veilcast_block_height',
      help: 'Highest block matched.',
      labelNames: ['chain'],
      registers,
    }),
    endpointLive: new Gauge({
      name: 'veilcast_endpoint_live',
      help: '1 where the endpoint is live.',
      labelNames: ['chain', 'endpoint'],
      registers,
    }),
    askers: new Gauge({ name: 'veilcast_askers', help: 'Requests that wait for news.', registers }),
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
    roundTripSeconds: new Gauge({
      name: 'veilcast_mixnet_round_trip_seconds',
      help: 'Last round trip of a message to ourselves through the mixnet, by Nym client.',
      labelNames: ['mixnet'],
      registers,
    }),
  }
}

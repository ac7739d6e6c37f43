import type { MixnetListener } from '@veilcast/shared/mixnet'
import type { ChainAdapter } from '../chains/ChainAdapter.ts'
import { mixnetId } from '../mixnetId.ts'
import type { Disputes } from '../observability/disputes.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Role } from '../Role.ts'
import {
  type ChainReport,
  type Durations,
  type EndpointReport,
  type MixnetReport,
  maxDisputing,
  type ProcessReport,
} from './ProcessReport.ts'

/** Of whom a report is, for as long as the process lives. */
export interface ProcessIdentity {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly version: string
  readonly startedAtMs: number
}

export interface ReportParts {
  readonly identity: ProcessIdentity
  readonly listeners: readonly MixnetListener[]
  readonly adapters: readonly ChainAdapter[]
  readonly metrics: Metrics
  readonly disputes: Disputes
  readonly workersRun: () => boolean
  /** Requests that wait in memory, and the reply packets that they still pay for. */
  readonly askers: { readonly size: number; surbs(): number }
  readonly state: () => ProcessReport['state']
}

/** Writes the reports of one process: each call is the next one. */
export function createWriteReport(parts: ReportParts): () => Promise<ProcessReport> {
  const { identity, listeners, adapters, metrics, disputes } = parts
  /** By chain: the highest block, and since when. */
  const heights = new Map<string, { height: number; sinceMs: number }>()
  /** By chain and endpoint: its trouble, and since when. */
  const health = new Map<string, { trouble: string; sinceMs: number }>()
  let lastCpu = process.cpuUsage()
  let lastAtMs = performance.now()

  function chainOf(adapter: ChainAdapter, nowMs: number): ChainReport {
    const { chain } = adapter
    const endpoints = adapter.endpoints().map((one) => {
      const { id, operator, live, trouble, breaker, requests, failures } = one
      const key = `${chain} ${id}`
      const known = health.get(key)
      const sinceMs = known?.trouble === trouble ? known.sinceMs : (one.openedAtMs ?? nowMs)
      health.set(key, { trouble, sinceMs })
      return {
        id,
        operator,
        live,
        trouble,
        sinceMs,
        height: toNumber(one.height),
        latencyMs: one.latencyMs === undefined ? null : Math.round(one.latencyMs * 10) / 10,
        score: Math.round(one.score * 100) / 100,
        breaker,
        requests,
        failures,
      } satisfies EndpointReport
    })
    const height = Math.max(0, ...endpoints.filter(({ live }) => live).map((endpoint) => endpoint.height))
    const known = heights.get(chain)
    // While none is live nothing is known of the chain: what was known before stands.
    if (height > 0 && known?.height !== height) heights.set(chain, { height, sinceMs: nowMs })
    const reached = heights.get(chain) ?? { height: 0, sinceMs: nowMs }
    return {
      chain,
      live: adapter.live(),
      operators: adapter.operators,
      height: reached.height,
      heightSinceMs: reached.sinceMs,
      disputes: disputes.of(chain).map(({ height, endpoints, sinceMs }) => ({
        height: toNumber(height),
        endpoints: endpoints.slice(0, maxDisputing),
        sinceMs,
      })),
      endpoints,
    }
  }

  function cpuShare(): number {
    const used = process.cpuUsage(lastCpu)
    const tookMs = performance.now() - lastAtMs
    lastCpu = process.cpuUsage()
    lastAtMs = performance.now()
    return tookMs > 0 ? Math.round((used.user + used.system) / 10 / tookMs) / 100 : 0
  }

  return async () => {
    const atMs = Date.now()
    return {
      ...identity,
      atMs,
      state: parts.state(),
      workers: parts.workersRun(),
      mixnets: listeners.map(mixnetOf),
      askers: parts.askers.size,
      surbsHeld: parts.askers.surbs(),
      chains: adapters.map((adapter) => chainOf(adapter, atMs)),
      counts: {
        requests: await countsBy(metrics.requests, 'kind'),
        replies: await countsBy(metrics.replies, 'kind'),
        failures: await countsBy(metrics.failures, 'error'),
        handedOver: await countsBy(metrics.handedOver, 'result'),
        failedJobs: await countsBy(metrics.failedJobs, 'queue'),
        replyPackets: (await metrics.replyPackets.get()).values[0]?.value ?? 0,
      },
      stages: await stagesOf(metrics),
      memoryBytes: process.memoryUsage.rss(),
      cpuShare: cpuShare(),
    }
  }
}

function mixnetOf(listener: MixnetListener, index: number): MixnetReport {
  const trip = listener.lastRoundTrip?.()
  return {
    id: mixnetId(index),
    measured: listener.lastRoundTrip !== undefined,
    lastRoundTripMs: trip?.tookMs ?? null,
    lastRoundTripAtMs: trip?.atMs ?? null,
  }
}

async function countsBy<T extends string>(
  counter: { get(): Promise<{ values: { labels: Partial<Record<T, string | number>>; value: number }[] }> },
  label: T,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { labels, value } of (await counter.get()).values) {
    const name = String(labels[label])
    counts[name] = (counts[name] ?? 0) + value
  }
  return counts
}

async function stagesOf(metrics: Metrics): Promise<ProcessReport['stages']> {
  const byStage = new Map<string, { chain: string; stage: string; upTo: [bound: string, count: number][] }>()
  for (const { metricName, labels, value } of (await metrics.stageSeconds.get()).values) {
    if (!metricName?.endsWith('_bucket')) continue
    const chain = String(labels.chain)
    const stage = String(labels.stage)
    const key = `${chain} ${stage}`
    const one = byStage.get(key) ?? { chain, stage, upTo: [] }
    one.upTo.push([String((labels as { le?: unknown }).le), value])
    byStage.set(key, one)
  }
  return [...byStage.values()].map(({ chain, stage, upTo }) => ({ chain, stage, durations: apart(upTo) }))
}

/** Prometheus counts what is up to each bound; here what is between two of them. */
function apart(upTo: readonly [bound: string, count: number][]): Durations {
  const durations: Record<string, number> = {}
  let below = 0
  for (const [bound, count] of [...upTo].sort((a, b) => order(a[0]) - order(b[0]))) {
    if (count > below) durations[bound] = count - below
    below = count
  }
  return durations
}

function order(bound: string): number {
  return bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)
}

/** Heights of chains stay far below 2^53; what an endpoint claims need not. */
function toNumber(height: bigint): number {
  return Number(height < BigInt(Number.MAX_SAFE_INTEGER) ? height : BigInt(Number.MAX_SAFE_INTEGER))
}

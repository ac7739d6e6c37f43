import { z } from 'zod'
import { maxDisputes } from '../observability/disputes.ts'
import { roles } from '../Role.ts'

/**
 * What one process of the fleet says of itself every few seconds. Counts, chains, endpoint ids and times: no URL, no address, nothing of
 * a user. It lies in the store in clear, and is read by processes of other versions: what one of them cannot read it leaves out.
 */

export const maxReportBytes = 65_536
/** A silent process is kept in sight for this long, and then forgotten. */
export const reportTtlMs = 10 * 60_000
export const reportEveryMs = 5_000
/** A process that was not heard for this long is gone, unless it said goodbye. */
export const silentAfterMs = 20_000
export const maxProcesses = 256
/** The one that a disputed block is from, and three that are asked. */
export const maxDisputing = 4

const count = z.int().min(0)
const id = z.string().max(64)
const counts = z.record(z.string().max(64), count)

const endpointReport = z.object({
  id,
  operator: id,
  live: z.boolean(),
  trouble: z.string().max(32),
  /** Since when it is live or not. */
  sinceMs: count,
  height: count,
  latencyMs: z.number().nullable(),
  /** 0 to 1, as the adapter scores it. */
  score: z.number(),
  breaker: z.string().max(16),
  /** In the last five minutes. */
  requests: count,
  failures: count,
})

/** A block that two endpoints have differently. */
const disputeReport = z.object({
  height: count,
  endpoints: z.array(id).max(maxDisputing),
  sinceMs: count,
})

const chainReport = z.object({
  chain: z.string().max(64),
  live: z.boolean(),
  /** Operators that are configured. */
  operators: count,
  /** Highest block of an endpoint that is live, and since when it is that one; 0 before the first. */
  height: count,
  heightSinceMs: count,
  /** Seen lately, lowest first; a process of an earlier version says nothing of it. */
  disputes: z.array(disputeReport).max(maxDisputes).default([]),
  endpoints: z.array(endpointReport).max(32),
})

const mixnetReport = z.object({
  /** By its place in the configuration. */
  id,
  /** False of a transport that knows no round trips: it works as long as it runs. */
  measured: z.boolean(),
  lastRoundTripMs: z.number().nullable(),
  lastRoundTripAtMs: count.nullable(),
})

/** How often each duration came up since the process started: upper bound in seconds (`+Inf`) to how many were within it and above the one before. */
const durations = z.record(z.string().max(16), count)

export const processReport = z.object({
  /** Random, of one life of a process. */
  id: z.string().regex(/^[a-z0-9-]{8,64}$/),
  name: z.string().max(128),
  role: z.enum(roles),
  version: z.string().max(32),
  startedAtMs: count,
  atMs: count,
  state: z.enum(['starting', 'ready', 'draining']),
  /** None of its queues' workers has stopped by itself. */
  workers: z.boolean(),
  mixnets: z.array(mixnetReport).max(16),
  /** Requests that wait for news in its memory, and the reply packets that they still pay for. */
  askers: count,
  surbsHeld: count,
  chains: z.array(chainReport).max(64),
  /** Since it started. */
  counts: z.object({
    requests: counts,
    replies: counts,
    /** By name in the catalogue of errors. */
    failures: counts,
    handedOver: counts,
    failedJobs: counts,
    replyPackets: count,
  }),
  stages: z.array(z.object({ chain: z.string().max(64), stage: z.string().max(16), durations })).max(512),
  memoryBytes: count,
  /** Of one processor, since the report before. */
  cpuShare: z.number(),
})

export type ProcessReport = z.output<typeof processReport>
export type ChainReport = ProcessReport['chains'][number]
export type EndpointReport = ChainReport['endpoints'][number]
export type DisputeReport = ChainReport['disputes'][number]
export type MixnetReport = ProcessReport['mixnets'][number]
export type Durations = Readonly<Record<string, number>>

/** As it lies in the store. Where it is too long, endpoints that are live are left out, then all of them and disputes, then the durations. */
export function encodeReport(report: ProcessReport): string {
  for (const one of shorterAndShorter(report)) {
    const text = JSON.stringify(one)
    if (Buffer.byteLength(text) <= maxReportBytes) return text
  }
  throw new RangeError(`A report has more than ${maxReportBytes} bytes.`)
}

function* shorterAndShorter(report: ProcessReport): Generator<ProcessReport> {
  yield report
  yield {
    ...report,
    chains: report.chains.map((chain) => ({
      ...chain,
      disputes: chain.disputes.slice(0, 1),
      endpoints: chain.endpoints.filter(({ live }) => !live).slice(0, 4),
    })),
  }
  const bare = {
    ...report,
    chains: report.chains.map((chain) => ({ ...chain, disputes: [], endpoints: [] })),
  }
  yield bare
  yield { ...bare, stages: [] }
}

/** Undefined where it is of a version that this one cannot read. */
export function decodeReport(text: string): ProcessReport | undefined {
  try {
    return processReport.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

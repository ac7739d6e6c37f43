import { z } from 'zod'
import { addDurations } from './durations.ts'

/** What the whole fleet did within a short time, for the charts. Counts and durations add up; of what can be read off the worst is kept. */

export type Span = 'hour' | 'day'

/** How far apart samples are, and how many are kept. */
export const spans: Readonly<Record<Span, { readonly everyMs: number; readonly keptMs: number }>> = {
  hour: { everyMs: 10_000, keptMs: 3_600_000 },
  day: { everyMs: 120_000, keptMs: 86_400_000 },
}

export const maxSampleBytes = 32_768
const maxSeries = 256

const count = z.int().min(0)
const name = z.string().max(200)
const counts = z.record(name, count)

export const sample = z.object({
  /** Its end. */
  atMs: count,
  spanMs: count,
  /** Processes that were heard, and that were missed. */
  processes: count,
  gone: count,
  /** Pages that it would have been worth waking somebody for. */
  troubles: count,
  chains: z.record(
    name,
    z.object({
      /** In no block yet. */
      waiting: count,
      /** Not at an end yet. */
      live: count,
      liveEndpoints: count,
      endpoints: count,
      height: count,
      /** Blocks that were not matched yet. */
      behind: count,
    }),
  ),
  /** Answer time in milliseconds by chain and endpoint id. */
  latency: z.record(name, z.number()),
  /** Milliseconds of the last round trip by process and Nym client. */
  roundTrips: z.record(name, z.number()),
  askers: count,
  surbsHeld: count,
  requests: counts,
  replies: counts,
  failures: counts,
  handedOver: counts,
  failedJobs: counts,
  replyPackets: count,
  /** By chain and stage, apart by a space. */
  stages: z.record(name, z.record(z.string().max(16), count)),
})

export type Sample = z.output<typeof sample>

export function encodeSample(taken: Sample): string {
  const text = JSON.stringify(taken)
  if (Buffer.byteLength(text) <= maxSampleBytes) return text
  const short = JSON.stringify({ ...taken, latency: {}, roundTrips: {}, stages: {} })
  if (Buffer.byteLength(short) <= maxSampleBytes) return short
  return JSON.stringify({ ...taken, latency: {}, roundTrips: {}, stages: {}, chains: {} })
}

/** Undefined where it is of a version that this one cannot read. */
export function decodeSample(text: string): Sample | undefined {
  try {
    return sample.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** One sample in place of several that follow each other. */
export function mergeSamples(samples: readonly Sample[]): Sample | undefined {
  const last = samples.at(-1)
  if (!last) return undefined
  const most = (of: (one: Sample) => number): number => Math.max(...samples.map(of))
  const sum = (of: (one: Sample) => number): number => samples.reduce((total, one) => total + of(one), 0)
  return {
    atMs: last.atMs,
    spanMs: sum(({ spanMs }) => spanMs),
    processes: Math.min(...samples.map(({ processes }) => processes)),
    gone: most(({ gone }) => gone),
    troubles: most(({ troubles }) => troubles),
    chains: merge(
      samples.map(({ chains }) => chains),
      (a, b) => ({
        waiting: Math.max(a.waiting, b.waiting),
        live: Math.max(a.live, b.live),
        liveEndpoints: Math.min(a.liveEndpoints, b.liveEndpoints),
        endpoints: Math.max(a.endpoints, b.endpoints),
        height: Math.max(a.height, b.height),
        behind: Math.max(a.behind, b.behind),
      }),
    ),
    latency: merge(
      samples.map(({ latency }) => latency),
      Math.max,
    ),
    roundTrips: merge(
      samples.map(({ roundTrips }) => roundTrips),
      Math.max,
    ),
    askers: most(({ askers }) => askers),
    surbsHeld: most(({ surbsHeld }) => surbsHeld),
    requests: addAll(samples.map(({ requests }) => requests)),
    replies: addAll(samples.map(({ replies }) => replies)),
    failures: addAll(samples.map(({ failures }) => failures)),
    handedOver: addAll(samples.map(({ handedOver }) => handedOver)),
    failedJobs: addAll(samples.map(({ failedJobs }) => failedJobs)),
    replyPackets: sum(({ replyPackets }) => replyPackets),
    stages: merge(
      samples.map(({ stages }) => stages),
      addDurations,
    ),
  }
}

function merge<T>(
  records: readonly Readonly<Record<string, T>>[],
  both: (a: T, b: T) => T,
): Record<string, T> {
  const merged = new Map<string, T>()
  for (const record of records) {
    for (const [key, value] of Object.entries(record)) {
      const known = merged.get(key)
      if (known !== undefined) merged.set(key, both(known, value))
      else if (merged.size < maxSeries) merged.set(key, value)
    }
  }
  return Object.fromEntries(merged)
}

export function addAll(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  return merge(records, (a, b) => a + b)
}

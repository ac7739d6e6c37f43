import { catalogue } from '@veilcast/shared/errors'
import { countDurations, quantileOf } from '../fleet/durations.ts'
import type { Sample } from '../fleet/Sample.ts'

/** What the charts draw of one sample. */
export interface ChartSample {
  readonly atMs: number
  /** By chain. */
  readonly waiting: Readonly<Record<string, number>>
  /** Seconds at p50, p95 and p99 by chain and stage; stages that nothing reached are left out. */
  readonly stages: Readonly<Record<string, readonly [number | null, number | null, number | null]>>
  /** A minute, by stage. */
  readonly reached: Readonly<Record<string, number>>
  /** Milliseconds by chain and endpoint. */
  readonly latency: Readonly<Record<string, number>>
  /** Endpoints that are live, of those configured, by chain. */
  readonly live: Readonly<Record<string, readonly [number, number]>>
  /** Milliseconds by process and Nym client. */
  readonly roundTrips: Readonly<Record<string, number>>
  readonly surbsHeld: number
  readonly askers: number
  /** A minute, by number and name. */
  readonly failures: Readonly<Record<string, number>>
  readonly processes: number
  readonly troubles: number
}

export function chartSample(sample: Sample): ChartSample {
  const minutes = Math.max(sample.spanMs, 1_000) / 60_000
  const reached: Record<string, number> = {}
  const stages: Record<string, [number | null, number | null, number | null]> = {}
  for (const [key, durations] of Object.entries(sample.stages)) {
    const count = countDurations(durations)
    if (count === 0) continue
    const stage = key.split(' ')[1] ?? ''
    reached[stage] = rounded((reached[stage] ?? 0) + count / minutes)
    stages[key] = [0.5, 0.95, 0.99].map((share) => {
      const at = quantileOf(durations, share)
      return at === null ? null : rounded(at)
    }) as [number | null, number | null, number | null]
  }
  const chains = Object.entries(sample.chains)
  return {
    atMs: sample.atMs,
    waiting: Object.fromEntries(chains.map(([chain, { waiting }]) => [chain, waiting])),
    stages,
    reached,
    latency: sample.latency,
    live: Object.fromEntries(
      chains.map(([chain, { liveEndpoints, endpoints }]) => [chain, [liveEndpoints, endpoints]]),
    ),
    roundTrips: sample.roundTrips,
    surbsHeld: sample.surbsHeld,
    askers: sample.askers,
    failures: Object.fromEntries(
      Object.entries(sample.failures)
        .filter(([name, count]) => count > 0 && Object.hasOwn(catalogue, name))
        .map(([name, count]) => [
          `${catalogue[name as keyof typeof catalogue].number} ${name}`,
          rounded(count / minutes),
        ]),
    ),
    processes: sample.processes,
    troubles: sample.troubles,
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

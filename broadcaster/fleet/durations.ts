import type { Durations } from './ProcessReport.ts'

/** How often each duration came up: by upper bound in seconds, `+Inf` above the last. */

export function addDurations(a: Durations, b: Durations): Record<string, number> {
  const sum: Record<string, number> = { ...a }
  for (const [bound, count] of Object.entries(b)) sum[bound] = (sum[bound] ?? 0) + count
  return sum
}

/** What came since: `before` is of the same process, earlier. */
export function durationsSince(before: Durations | undefined, now: Durations): Record<string, number> {
  const since: Record<string, number> = {}
  for (const [bound, count] of Object.entries(now)) {
    const more = count - (before?.[bound] ?? 0)
    if (more > 0) since[bound] = more
  }
  return since
}

export function countDurations(durations: Durations): number {
  return Object.values(durations).reduce((sum, count) => sum + count, 0)
}

/**
 * Seconds within which this share of them was, by interpolation within a bucket. Null of none; of what is beyond the last bound,
 * that bound.
 *
 * @param share 0 to 1
 */
export function quantileOf(durations: Durations, share: number): number | null {
  const buckets = Object.entries(durations)
    .map(([bound, count]) => ({ bound: bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), count }))
    .filter(({ bound, count }) => count > 0 && !Number.isNaN(bound))
    .sort((a, b) => a.bound - b.bound)
  const total = buckets.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return null
  const rank = share * total
  let below = 0
  for (const { bound, count } of buckets) {
    if (below + count >= rank) {
      const lower = lowerBound(bound)
      if (bound === Number.POSITIVE_INFINITY) return lower
      return lower + (bound - lower) * Math.min(1, Math.max(0, (rank - below) / count))
    }
    below += count
  }
  return null
}

/** Of the buckets of `stageSeconds`, sparse ones included: the next lower bound that it has. */
function lowerBound(bound: number): number {
  return stageBuckets.filter((other) => other < bound).at(-1) ?? 0
}

/** Upper bounds in seconds: close enough that a quantile is within a third of the truth. */
export const stageBuckets = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300,
  500, 1000,
]

/** The time between two blocks, and when the next one is due, by the blocks that were seen. */
export interface Pace {
  /** @param timeMs the chain's own time of the block, milliseconds since 1970 */
  saw(height: bigint, timeMs: number): void
  /** Smoothed; undefined before two blocks were seen. */
  intervalMs(): number | undefined
  /**
   * Milliseconds until the next block is due, 250 to 15 000. Where it is overdue a tenth of the delay, 250 to 1 000, so that a chain
   * without blocks is not asked for one all the time. 0: unknown.
   */
  freshMs(): number
}

const minFreshMs = 250
const maxFreshMs = 15_000
const maxFreshWhenOverdueMs = 1_000
/** Over so many blocks' sightings the interval is smoothed: on chains with four blocks a second, whose times are whole seconds, 16 s. */
const maxSightings = 64

interface Sighting {
  readonly height: bigint
  readonly timeMs: number
  readonly seenMs: number
}

export function createPace(nowMs: () => number = () => performance.now()): Pace {
  let sightings: Sighting[] = []

  function intervalMs(): number | undefined {
    const [first, last] = [sightings[0], sightings.at(-1)]
    if (!first || !last || first === last) return undefined
    const blocks = Number(last.height - first.height)
    const byChain = (last.timeMs - first.timeMs) / blocks
    return byChain > 0 ? byChain : (last.seenMs - first.seenMs) / blocks
  }

  return {
    saw(height, timeMs) {
      const last = sightings.at(-1)
      if (last && height === last.height) return
      if (last && height < last.height) sightings = []
      sightings.push({ height, timeMs, seenMs: nowMs() })
      if (sightings.length > maxSightings) sightings.shift()
    },
    intervalMs,
    freshMs() {
      const interval = intervalMs()
      const last = sightings.at(-1)
      if (interval === undefined || !last) return 0
      // Both clocks may be wrong: what counts is how soon after its time a block was seen at best.
      const soonestMs = Math.min(...sightings.map(({ seenMs, timeMs }) => seenMs - timeMs))
      const dueInMs = soonestMs + last.timeMs + interval - nowMs()
      return dueInMs > 0
        ? Math.round(Math.min(Math.max(dueInMs, minFreshMs), maxFreshMs))
        : Math.round(Math.min(Math.max(-dueInMs / 10, minFreshMs), maxFreshWhenOverdueMs))
    },
  }
}

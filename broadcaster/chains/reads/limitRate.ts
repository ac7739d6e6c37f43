/** So many a second, and what was left of one second at most at once. */
export interface RateLimit {
  /** 0 where they may go, which takes them; else milliseconds until they may. */
  take(count: number): number
}

export function limitRate(perSecond: number, nowMs: () => number = () => performance.now()): RateLimit {
  let left = perSecond
  let countedAtMs = nowMs()
  return {
    take(count) {
      const now = nowMs()
      left = Math.min(perSecond, left + ((now - countedAtMs) / 1000) * perSecond)
      countedAtMs = now
      // Who asks for more at once than a second has waits for a full one.
      const needed = Math.min(count, perSecond)
      if (left < needed) return Math.ceil(((needed - left) / perSecond) * 1000)
      left -= count
      return 0
    },
  }
}

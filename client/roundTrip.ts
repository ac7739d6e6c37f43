export interface RoundTrip {
  /** A question that was sent once was first answered after this time. */
  sample(tookMs: number): void
  /** Undefined before the first sample. */
  smoothedMs(): number | undefined
}

/** A slow answer is no reason to wait longer than this: the samples come from whoever answers. */
const maxSampleMs = 20_000

/** Smoothed as in RFC 6298: seven eighths of what was, one eighth of what is. */
export function measureRoundTrip(): RoundTrip {
  let smoothedMs: number | undefined
  return {
    sample(tookMs) {
      const bounded = Math.min(tookMs, maxSampleMs)
      smoothedMs = smoothedMs === undefined ? bounded : smoothedMs * 0.875 + bounded * 0.125
    },
    smoothedMs: () => smoothedMs,
  }
}

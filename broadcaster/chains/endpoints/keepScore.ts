export interface Score {
  /** @param isGood whether the answer was one that could be used */
  answered(isGood: boolean): void
  /** How long a probe took: the same question to each endpoint, so that they compare. */
  probed(tookMs: number): void
  /** Smoothed over the last five or so; undefined before the first. */
  readonly latencyMs: number | undefined
  /** Since the last good answer. */
  readonly failuresInARow: number
  /** Of the window. */
  counts(): { readonly requests: number; readonly failures: number }
  /** 0 to 1: the share of good answers in the window, and the lower the slower: half of it at 1 s. */
  value(): number
}

const buckets = 10
const halfScoreMs = 1_000

interface Bucket {
  readonly untilMs: number
  requests: number
  failures: number
}

/** How an endpoint did lately. @param windowMs is looked back on, to a tenth */
export function keepScore(windowMs: number): Score {
  let kept: Bucket[] = []
  let latencyMs: number | undefined
  let failuresInARow = 0

  function counts() {
    const nowMs = performance.now()
    kept = kept.filter(({ untilMs }) => nowMs - untilMs < windowMs)
    return kept.reduce(
      (sum, one) => ({ requests: sum.requests + one.requests, failures: sum.failures + one.failures }),
      { requests: 0, failures: 0 },
    )
  }

  return {
    answered(isGood) {
      const nowMs = performance.now()
      let bucket = kept.at(-1)
      if (bucket === undefined || nowMs >= bucket.untilMs) {
        bucket = { untilMs: nowMs + windowMs / buckets, requests: 0, failures: 0 }
        kept = [...kept.slice(-buckets), bucket]
      }
      bucket.requests++
      if (!isGood) bucket.failures++
      failuresInARow = isGood ? 0 : failuresInARow + 1
    },
    probed(tookMs) {
      latencyMs = latencyMs === undefined ? tookMs : latencyMs * 0.8 + tookMs * 0.2
    },
    get latencyMs() {
      return latencyMs
    },
    get failuresInARow() {
      return failuresInARow
    },
    counts,
    value() {
      const { requests, failures } = counts()
      const share = requests === 0 ? 1 : 1 - failures / requests
      return share * (halfScoreMs / (halfScoreMs + (latencyMs ?? 0)))
    },
  }
}

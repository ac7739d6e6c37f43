import type { ChainStatus } from './FleetStatus.ts'
import type { DisputeReport } from './ProcessReport.ts'

/** Since when no block was matched though there is one and something waits; undefined where none is missing. Milliseconds since 1970. */
export function standstillSinceMs(chain: ChainStatus): number | undefined {
  const { live, matched, height, heightSinceMs } = chain
  if (live === 0 || matched === null || height <= matched.height) return undefined
  // A chain may be slow: a single block that is not matched yet came later than the one before it was.
  return height - matched.height === 1 ? Math.max(matched.atMs, heightSinceMs) : matched.atMs
}

/** The block that stands next to be matched, where two endpoints have it differently. */
export function disputeOf({ live, matched, disputes }: ChainStatus): DisputeReport | undefined {
  if (live === 0 || matched === null) return undefined
  return disputes.find(({ height }) => height === matched.height + 1)
}

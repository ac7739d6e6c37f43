/** No longer than this between one rebroadcast and the next. */
const maxPauseMs = 10 * 60_000

/**
 * Whether a transaction that was handed over `ageMs` ago, and is in no block, is to be handed over again, the last look
 * having been `sinceLookMs` ago: after `firstMs`, then after pauses that double, up to ten minutes. Nothing is written down.
 */
export function rebroadcastDue(ageMs: number, firstMs: number, sinceLookMs: number): boolean {
  let pauseMs = firstMs
  for (let dueMs = firstMs; dueMs <= ageMs; dueMs += pauseMs, pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    if (dueMs > ageMs - sinceLookMs) return true
  }
  return false
}

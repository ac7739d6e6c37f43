import { createHash } from 'node:crypto'
import type { SenderTag } from '@veilcast/shared/mixnet'

/**
 * Tells copies that the network made from repetitions by the sender. Both are the same bytes, but a copy brings no SURBs of
 * its own: whoever answered it would spend those of the sender's next request.
 */
export interface Copies {
  /** True for what the same sender sent within the window before. */
  isCopy(tag: SenderTag | undefined, payload: Uint8Array, nowMs: number): boolean
}

/**
 * Nobody repeats a request within 4.2 s, the first pause of SPEC.md section 6 at its shortest; and a copy that the network
 * makes is late by what it delays, not by more.
 */
export const copyWindowMs = 2000
/** Of 10,000 requests a second; beyond, the oldest are forgotten. */
const maxRemembered = 20_000

export function createCopies(windowMs: number): Copies {
  /** When each message was first seen, oldest first. */
  const seenAtMs = new Map<string, number>()

  return {
    isCopy(tag, payload, nowMs) {
      for (const [oldest, atMs] of seenAtMs) {
        if (nowMs - atMs < windowMs && seenAtMs.size <= maxRemembered) break
        seenAtMs.delete(oldest)
      }
      const name = createHash('sha256')
        .update(tag ?? '')
        .update('\n')
        .update(payload)
        .digest('base64')
      if (seenAtMs.has(name)) return true
      seenAtMs.set(name, nowMs)
      return false
    },
  }
}

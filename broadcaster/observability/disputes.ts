import type { ChainId } from '@veilcast/shared/protocol'
import type { Logger } from './logger.ts'

/** A block that two endpoints have differently: one of them forked off, or lies. */
export interface Dispute {
  readonly height: bigint
  /** The one that the block is from, and those that have another in its place. */
  readonly endpoints: readonly string[]
  /** Milliseconds since 1970. */
  readonly sinceMs: number
}

/** What this process has seen of blocks that are not agreed on. */
export interface Disputes {
  /** Says it once of each height, however often the block is read again. */
  note(chain: ChainId, height: bigint, endpoints: readonly string[]): void
  /** Of a chain, those that were seen lately, the lowest first. Whether one was settled meanwhile is the cursor's to say. */
  of(chain: ChainId): readonly Dispute[]
}

/** Of a chain; the one that was seen longest ago goes. */
export const maxDisputes = 8
/** Twice the longest `pollIntervalMs`, and a minute: another process may have had the block in between. */
const lateAfterMs = 180_000

export function createDisputes(logger: Logger): Disputes {
  /** By chain and height, the one seen last at the end. */
  const seen = new Map<ChainId, Map<bigint, Dispute & { readonly seenMs: number }>>()

  return {
    note(chain, height, endpoints) {
      const nowMs = Date.now()
      const byHeight = seen.get(chain) ?? new Map()
      seen.set(chain, byHeight)
      const known = byHeight.get(height)
      const isNews = known === undefined || nowMs - known.seenMs > lateAfterMs
      byHeight.delete(height)
      byHeight.set(height, { height, endpoints, sinceMs: isNews ? nowMs : known.sinceMs, seenMs: nowMs })
      const [oldest] = byHeight.keys()
      if (byHeight.size > maxDisputes && oldest !== undefined) byHeight.delete(oldest)
      if (!isNews) return
      logger.warn(
        { chain, height: String(height), endpoints },
        'two endpoints have different blocks of the same height',
      )
    },
    of(chain) {
      const nowMs = Date.now()
      return [...(seen.get(chain)?.values() ?? [])]
        .filter(({ seenMs }) => nowMs - seenMs <= lateAfterMs)
        .sort((a, b) => Number(a.height - b.height))
        .map(({ height, endpoints, sinceMs }) => ({ height, endpoints, sinceMs }))
    },
  }
}

import type { WireError } from '@veilcast/shared/errors'
import type { RequestId } from '@veilcast/shared/protocol'
import type { TxKey } from '../store/TxStore.ts'

/** Kept at once, about 10 MB; beyond, the oldest is forgotten. */
export const maxRefusals = 65_536

/**
 * Messages that were turned away for want of room or of an endpoint, which may be there a moment later. The mixnet may bring
 * a copy of one: it hears the same, lest a transaction be sent whose sender was told that it is not. In memory, until the
 * message's own `notAfter`, after which no copy of it is taken.
 */
export interface Refusals {
  keep(id: RequestId, key: TxKey, error: WireError, notAfterMs: number): void
  recall(id: RequestId, key: TxKey, nowMs: number): WireError | undefined
}

export function createRefusals(): Refusals {
  const kept = new Map<string, { readonly error: WireError; readonly notAfterMs: number }>()
  return {
    keep(id, key, error, notAfterMs) {
      const [oldest] = kept.keys()
      if (kept.size >= maxRefusals && oldest !== undefined) kept.delete(oldest)
      kept.set(name(id, key), { error, notAfterMs })
    },
    recall(id, key, nowMs) {
      const found = kept.get(name(id, key))
      if (found === undefined || found.notAfterMs > nowMs) return found?.error
      kept.delete(name(id, key))
      return undefined
    },
  }
}

function name(id: RequestId, key: TxKey): string {
  return `${Buffer.from(id).toString('hex')}/${key}`
}

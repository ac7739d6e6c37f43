import type { TxKey } from '../store/TxStore.ts'

const maxKeys = 8_192
/** A job waits for a busy lane, or its next turn, no longer than this. */
const maxAgeMs = 30_000

/**
 * Records that this process has handed over: their own jobs end without a look at the store, and a job that stalled because
 * the process was slow, not dead, sends none of them again.
 */
export interface HandedHere {
  add(key: TxKey): void
  has(key: TxKey): boolean
  /** Whether it was there; it no longer is. */
  take(key: TxKey): boolean
}

export function createHandedHere(): HandedHere {
  const addedAtMs = new Map<TxKey, number>()
  function has(key: TxKey): boolean {
    const sinceMs = addedAtMs.get(key)
    return sinceMs !== undefined && Date.now() - sinceMs < maxAgeMs
  }

  return {
    add(key) {
      addedAtMs.set(key, Date.now())
      if (addedAtMs.size <= maxKeys) return
      for (const oldest of addedAtMs.keys()) return void addedAtMs.delete(oldest)
    },
    has,
    take(key) {
      const had = has(key)
      addedAtMs.delete(key)
      return had
    },
  }
}

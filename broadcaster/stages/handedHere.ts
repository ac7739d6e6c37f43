import type { TxKey } from '../store/TxStore.ts'

const maxKeys = 8_192
/** A job waits for a busy lane, or its next turn, no longer than this. */
const maxAgeMs = 30_000

/** Records that another job's run of this process has handed over: their own jobs end without a look at the store. */
export interface HandedHere {
  add(key: TxKey): void
  /** Whether it was there; it no longer is. */
  take(key: TxKey): boolean
}

export function createHandedHere(): HandedHere {
  const addedAtMs = new Map<TxKey, number>()
  return {
    add(key) {
      addedAtMs.set(key, Date.now())
      if (addedAtMs.size <= maxKeys) return
      for (const oldest of addedAtMs.keys()) return void addedAtMs.delete(oldest)
    },
    take(key) {
      const sinceMs = addedAtMs.get(key)
      addedAtMs.delete(key)
      return sinceMs !== undefined && Date.now() - sinceMs < maxAgeMs
    },
  }
}

export interface Remembered<Key, Value> {
  /** Rejects as the read does. */
  get(key: Key): Promise<Value>
  /** What came from elsewhere, as if it were read now. */
  put(key: Key, value: Value): void
  /**
   * What is remembered holds anew from now on, changed by what happened since: where it is not too old, and for `maxExtendedMs` since
   * it was read at most.
   */
  extend(key: Key, change: (value: Value) => Value): void
}

interface Entry<Value> {
  readonly readAtMs: number
  readonly fromMs: number
  readonly value: Promise<Value>
}

/**
 * Reads once what many ask for at the same time or shortly after each other: each answer serves for `maxAgeMs` from when it
 * was asked for. What fails is forgotten at once.
 */
export function rememberBriefly<Key, Value>(options: {
  readonly read: (key: Key) => Promise<Value>
  readonly maxAgeMs: number
  readonly maxEntries: number
  /** Default: nothing is extended. */
  readonly maxExtendedMs?: number
}): Remembered<Key, Value> {
  const { read, maxAgeMs, maxEntries, maxExtendedMs = 0 } = options
  const entries = new Map<Key, Entry<Value>>()

  function keep(key: Key, entry: Entry<Value>): Promise<Value> {
    entries.delete(key)
    entries.set(key, entry)
    entry.value.catch(() => {
      if (entries.get(key) === entry) entries.delete(key)
    })
    for (const oldest of entries.keys()) {
      if (entries.size <= maxEntries) break
      entries.delete(oldest)
    }
    return entry.value
  }

  function freshAt(key: Key, nowMs: number): Entry<Value> | undefined {
    const known = entries.get(key)
    return known && nowMs - known.fromMs < maxAgeMs ? known : undefined
  }

  return {
    get(key) {
      const nowMs = performance.now()
      return freshAt(key, nowMs)?.value ?? keep(key, { readAtMs: nowMs, fromMs: nowMs, value: read(key) })
    },
    put(key, value) {
      const nowMs = performance.now()
      void keep(key, { readAtMs: nowMs, fromMs: nowMs, value: Promise.resolve(value) })
    },
    extend(key, change) {
      const nowMs = performance.now()
      const known = freshAt(key, nowMs)
      if (!known) return
      const { readAtMs } = known
      const fromMs = nowMs - readAtMs < maxExtendedMs ? nowMs : known.fromMs
      void keep(key, { readAtMs, fromMs, value: known.value.then(change) })
    },
  }
}

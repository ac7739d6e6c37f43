/**
 * Reads once what many ask for at the same time or shortly after each other: each answer serves for `maxAgeMs` from when it
 * was asked for. What fails is forgotten at once.
 */
export function rememberBriefly<Key, Value>(options: {
  readonly read: (key: Key) => Promise<Value>
  readonly maxAgeMs: number
  readonly maxEntries: number
}): (key: Key) => Promise<Value> {
  const { read, maxAgeMs, maxEntries } = options
  const entries = new Map<Key, { readonly askedAtMs: number; readonly value: Promise<Value> }>()

  return (key) => {
    const nowMs = performance.now()
    const known = entries.get(key)
    if (known && nowMs - known.askedAtMs < maxAgeMs) return known.value
    entries.delete(key)
    const entry = { askedAtMs: nowMs, value: read(key) }
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
}

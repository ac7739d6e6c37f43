import type { ReadAnswer } from '@veilcast/shared/protocol'

export interface RememberedAnswers {
  get(key: string): ReadAnswer | undefined
  set(key: string, answer: ReadAnswer): void
}

/** What an entry costs beside its bytes, roughly. */
const entryBytes = 128

/** Forgets what was not asked for the longest. */
export function rememberAnswers(limits: {
  readonly maxEntries: number
  readonly maxBytes: number
}): RememberedAnswers {
  const entries = new Map<string, { readonly answer: ReadAnswer; readonly bytes: number }>()
  let heldBytes = 0

  function forget(key: string): void {
    heldBytes -= entries.get(key)?.bytes ?? 0
    entries.delete(key)
  }

  return {
    get(key) {
      const entry = entries.get(key)
      if (!entry) return undefined
      entries.delete(key)
      entries.set(key, entry)
      return entry.answer
    },
    set(key, answer) {
      forget(key)
      const bytes = entryBytes + 2 * key.length + sizeOf(answer)
      if (bytes > limits.maxBytes) return
      entries.set(key, { answer, bytes })
      heldBytes += bytes
      for (const oldest of entries.keys()) {
        if (entries.size <= limits.maxEntries && heldBytes <= limits.maxBytes) break
        forget(oldest)
      }
    },
  }
}

function sizeOf(answer: ReadAnswer): number {
  switch (answer.kind) {
    case 'result':
      return answer.result.length
    case 'reverted':
      return answer.data.length
    case 'failed':
      return 0
  }
}

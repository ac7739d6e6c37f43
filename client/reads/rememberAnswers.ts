const maxAnswers = 512
/** Of answers and of what they answer, two bytes a character. */
const maxMemoryBytes = 4_194_304
/** What is asked by a block's own hash does not change with the next block; it is asked again all the same. */
const maxLastingMs = 600_000
const lastingMethods = new Set([
  'eth_getBlockByHash',
  'eth_getBlockTransactionCountByHash',
  'eth_getTransactionByBlockHashAndIndex',
])

interface Kept {
  readonly chain: string
  readonly result: Uint8Array
  readonly untilMs: number
}

/** Answers that still hold, as far as the broadcaster's word goes. */
export function rememberAnswers() {
  const kept = new Map<string, Kept>()
  let sizeBytes = 0

  function drop(key: string): void {
    const found = kept.get(key)
    if (!found) return
    kept.delete(key)
    sizeBytes -= weigh(key, found.result)
  }

  return {
    recall(key: string, nowMs: number): Uint8Array | undefined {
      const found = kept.get(key)
      if (!found || found.untilMs > nowMs) return found?.result
      drop(key)
      return undefined
    },
    /** Never what is asked of pending transactions, as those change at any time. */
    keep(
      chain: string,
      method: string,
      key: string,
      result: Uint8Array,
      freshUntilMs: number,
      nowMs: number,
    ): void {
      const isLasting = lastingMethods.has(method) && result.length > 'null'.length
      const untilMs = isLasting ? nowMs + maxLastingMs : freshUntilMs
      drop(key)
      if (untilMs <= nowMs || key.includes('"pending"')) return
      // A copy: what it was cut out of may be much longer.
      kept.set(key, { chain, result: result.slice(), untilMs })
      sizeBytes += weigh(key, result)
      for (const oldest of kept.keys()) {
        if (kept.size <= maxAnswers && sizeBytes <= maxMemoryBytes) break
        drop(oldest)
      }
    },
    forget(chain: string): void {
      for (const [key, found] of kept) if (found.chain === chain) drop(key)
    },
    clear(): void {
      kept.clear()
      sizeBytes = 0
    },
  }
}

function weigh(key: string, result: Uint8Array): number {
  return 2 * key.length + result.length
}

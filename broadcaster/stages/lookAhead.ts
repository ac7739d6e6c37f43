import { withOwnSignal } from '../chains/endpoints/withDeadline.ts'

/**
 * Looks at each height from `first` to `last`, `width()` of them at once, and takes what was found in order, one at a time,
 * until `take` says false. What a look or `take` rejects with ends it. Nothing of it runs on after it has ended.
 *
 * @param width at least 1; asked before each look, so that it may grow and shrink meanwhile
 */
export async function lookAhead<T>(
  {
    first,
    last,
    width,
    signal,
  }: {
    readonly first: bigint
    readonly last: bigint
    readonly width: () => number
    readonly signal: AbortSignal
  },
  look: (height: bigint, signal: AbortSignal) => Promise<T>,
  take: (found: T) => Promise<boolean>,
): Promise<void> {
  const ahead: Promise<T>[] = []
  try {
    await withOwnSignal(signal, undefined, async (own) => {
      for (let next = first; ; ) {
        while (next <= last && ahead.length < width()) {
          const looking = look(next++, own)
          // Whoever takes it hears of it; what nobody takes is dropped.
          looking.catch(() => {})
          ahead.push(looking)
        }
        const found = ahead.shift()
        if (found === undefined || !(await take(await found))) return
      }
    })
  } finally {
    await Promise.allSettled(ahead)
  }
}

import type { Terminal } from './Terminal.ts'

/** Says how far something is, at most four times a second. */
export function countOn({ progress }: Terminal, words: (count: number) => string): (count: number) => void {
  let lastMs = 0
  return (count) => {
    const nowMs = Date.now()
    if (nowMs - lastMs < 250) return
    lastMs = nowMs
    progress(words(count))
  }
}

export function recordsIn(count: number): string {
  return count === 1 ? '1 record' : `${count} records`
}

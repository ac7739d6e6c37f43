import { createHash } from 'node:crypto'

/** A stream of numbers in [0, 1). */
export type Random = () => number

/** Mulberry32: the same seed and label always give the same numbers. Not for keys. */
export function seededRandom(seed: number, label: string): Random {
  let state = createHash('sha256').update(`${seed}/${label}`).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

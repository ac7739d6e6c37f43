import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

/** 32 bytes that depend on the words alone: keys of a network that exists in memory only. */
export function deriveKey(...words: (string | number)[]): Uint8Array {
  return sha256(utf8ToBytes(JSON.stringify(words)))
}

/** Uniform numbers in [0, 1): mulberry32, the same sequence for the same seed. */
export function seededRandom(seed: string | number): () => number {
  let state = new DataView(deriveKey('random', seed).buffer).getUint32(0)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

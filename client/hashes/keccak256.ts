import { keccakP } from '@noble/hashes/sha3.js'

const rateBytes = 136

/**
 * keccak256 as Ethereum has it. The permutation is @noble/hashes'; its streams and options, which nothing here needs, weigh as
 * much again.
 * Source: Keccak 3.0 (padding 0x01), not FIPS 202.
 */
export function keccak256(message: Uint8Array): Uint8Array {
  // Lanes of 64 bits, little-endian, as pairs of words.
  const state = new Uint32Array(50)
  const mix = (at: number, byte: number) => {
    state[at >> 2] = (state[at >> 2] ?? 0) ^ (byte << (8 * (at & 3)))
  }
  let at = 0
  for (const byte of message) {
    mix(at++, byte)
    if (at < rateBytes) continue
    keccakP(state)
    at = 0
  }
  mix(at, 0x01)
  mix(rateBytes - 1, 0x80)
  keccakP(state)
  return Uint8Array.from({ length: 32 }, (_, index) => (state[index >> 2] ?? 0) >>> (8 * (index & 3)))
}

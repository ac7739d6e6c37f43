import { createCipheriv } from 'node:crypto'
import blake2b from 'blake2b-wasm'

const LEFT_BYTES = 32
const ZERO_COUNTER_AND_NONCE = Buffer.alloc(16)

/** Must have settled before the first openLioness. The hash is wasm: plain JS would take six times as long. */
export async function loadLioness(): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    blake2b.ready((error) => (error ? reject(error) : resolve()))
  })
}

/** Takes one Lioness layer (ChaCha20 and keyed BLAKE2b-256) off a payload. `key` is 192 bytes: 32 | 64 | 32 | 64. */
export function openLioness(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const left = Uint8Array.from(sealed.subarray(0, LEFT_BYTES))
  let right: Uint8Array = sealed.subarray(LEFT_BYTES)

  xorInto(left, keyedHash(key.subarray(128, 192), right))
  right = applyStream(left, key.subarray(96, 128), right)
  xorInto(left, keyedHash(key.subarray(32, 96), right))
  right = applyStream(left, key.subarray(0, 32), right)

  return Buffer.concat([left, right])
}

const keyedHash = (key: Uint8Array, bytes: Uint8Array) => blake2b(LEFT_BYTES, key).update(bytes).digest()

function applyStream(left: Uint8Array, subkey: Uint8Array, right: Uint8Array): Uint8Array {
  const key = Uint8Array.from(left)
  xorInto(key, subkey)
  return createCipheriv('chacha20', key, ZERO_COUNTER_AND_NONCE).update(right)
}

function xorInto(target: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] ?? 0) ^ (other[i] ?? 0)
}

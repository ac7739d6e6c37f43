import { NONCE_BYTES, open, type SharedKey, seal, TAG_BYTES } from './sharedKey.ts'

/** A binary websocket frame: kind 1 | encrypted 1 | nonce 12 | ciphertext. */
const ENCRYPTED = 1
const CIPHERTEXT_AT = 2 + NONCE_BYTES

const PUSH = 1
export const FORWARD_WITH_ROTATION = 2

/** Kind 1: the gateway gives a client the payload of a packet. */
export function sealPush(key: SharedKey, message: Uint8Array): Uint8Array {
  const { nonce, ciphertext } = seal(key, message)
  return Buffer.concat([Uint8Array.of(PUSH, ENCRYPTED), nonce, ciphertext])
}

/** What a client uploads; undefined for anything that is not an authentic encrypted frame. */
export function openUpload(
  key: SharedKey,
  frame: Uint8Array,
): { readonly kind: number; readonly plaintext: Uint8Array } | undefined {
  if (frame.length < CIPHERTEXT_AT + TAG_BYTES || frame[1] !== ENCRYPTED) return undefined
  const plaintext = open(key, frame.subarray(2, CIPHERTEXT_AT), frame.subarray(CIPHERTEXT_AT))
  return plaintext && { kind: frame[0] ?? 0, plaintext }
}

import { randomBytes } from 'node:crypto'
import { gcmsiv } from '@noble/ciphers/aes.js'
import { blake3 } from '@noble/hashes/blake3.js'
import { hkdf } from '@noble/hashes/hkdf.js'

/** The AES-256-GCM-SIV key that a client and its gateway agree on at registration, 32 bytes. */
export type SharedKey = Uint8Array

export const NONCE_BYTES = 12
export const TAG_BYTES = 16

export function deriveSharedKey(agreed: Uint8Array, initiatorSalt: Uint8Array): SharedKey {
  return hkdf(blake3, agreed, initiatorSalt, undefined, 32)
}

export function seal(key: SharedKey, plaintext: Uint8Array): { nonce: Uint8Array; ciphertext: Uint8Array } {
  const nonce = Uint8Array.from(randomBytes(NONCE_BYTES))
  return { nonce, ciphertext: sealWith(key, nonce, plaintext) }
}

export function sealWith(key: SharedKey, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return gcmsiv(key, nonce).encrypt(Uint8Array.from(plaintext))
}

/** Undefined when it was not sealed with this key and nonce. */
export function open(key: SharedKey, nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  try {
    return gcmsiv(key, Uint8Array.from(nonce)).decrypt(Uint8Array.from(ciphertext))
  } catch {
    return undefined
  }
}

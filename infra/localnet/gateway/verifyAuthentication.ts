import { verifyEd25519 } from './ed25519.ts'
import type { Authentication } from './parseControlRequest.ts'
import { type SharedKey, sealWith } from './sharedKey.ts'

/**
 * Whether a client that registered before is the one that asks: it knows the shared key and signed with its identity.
 * Age and reuse of the timestamp are not judged: a test may reconnect twice within a second.
 */
export function verifyAuthentication(asked: Authentication, sharedKey: SharedKey): boolean {
  const expected = sealWith(sharedKey, asked.nonce, asked.identityKey)
  if (Buffer.compare(expected, asked.addressCiphertext) !== 0) return false
  const timestamp = Buffer.alloc(8)
  timestamp.writeBigUInt64BE(asked.requestUnixTimestamp)
  const signed = Buffer.concat([
    Uint8Array.of(asked.protocolVersion),
    asked.identityKey,
    asked.addressCiphertext,
    asked.nonce,
    timestamp,
  ])
  return verifyEd25519(asked.identityKey, signed, asked.signature)
}

import { agree, makeX25519KeyPair } from '../sphinx/x25519.ts'
import { type Ed25519KeyPair, signEd25519, verifyEd25519 } from './ed25519.ts'
import { deriveSharedKey, NONCE_BYTES, open, type SharedKey, seal, TAG_BYTES } from './sharedKey.ts'

const KEY_BYTES = 32
const SALT_BYTES = 16
const SEALED_SIGNATURE_BYTES = 64 + TAG_BYTES

export type RegistrationHandshake = {
  /** g^y 32 | sealed signature of g^y|g^x 80 | nonce 12. */
  readonly response: Uint8Array
  /** Checks the client's material; undefined when it did not prove its identity key. */
  complete(
    material: Uint8Array,
  ): { readonly identityKey: Uint8Array; readonly sharedKey: SharedKey } | undefined
}

/** Answers a client's ed25519 identity 32 | g^x 32 | salt 16. Undefined when it is malformed. */
export function answerRegistration(
  init: Uint8Array,
  gateway: Ed25519KeyPair,
): RegistrationHandshake | undefined {
  if (init.length !== 2 * KEY_BYTES + SALT_BYTES) return undefined
  const identityKey = Uint8Array.from(init.subarray(0, KEY_BYTES))
  const clientShare = init.subarray(KEY_BYTES, 2 * KEY_BYTES)

  const ephemeral = makeX25519KeyPair()
  const agreed = tryAgree(ephemeral.privateKey, clientShare)
  if (agreed === undefined) return undefined
  const sharedKey = deriveSharedKey(agreed, init.subarray(2 * KEY_BYTES))

  const signature = signEd25519(gateway, Buffer.concat([ephemeral.publicKey, clientShare]))
  const sealed = seal(sharedKey, signature)

  return {
    response: Buffer.concat([ephemeral.publicKey, sealed.ciphertext, sealed.nonce]),
    complete(material) {
      if (material.length !== SEALED_SIGNATURE_BYTES + NONCE_BYTES) return undefined
      const nonce = material.subarray(SEALED_SIGNATURE_BYTES)
      const theirs = open(sharedKey, nonce, material.subarray(0, SEALED_SIGNATURE_BYTES))
      if (theirs === undefined) return undefined
      const signed = Buffer.concat([clientShare, ephemeral.publicKey])
      return verifyEd25519(identityKey, signed, theirs) ? { identityKey, sharedKey } : undefined
    },
  }
}

function tryAgree(...args: Parameters<typeof agree>): Uint8Array | undefined {
  try {
    return agree(...args)
  } catch {
    return undefined
  }
}

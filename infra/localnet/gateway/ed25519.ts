import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** An Ed25519 key pair; `publicKey` is the raw 32 bytes. */
export type Ed25519KeyPair = { readonly privateKey: KeyObject; readonly publicKey: Uint8Array }

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The same seed always makes the same pair. */
export function makeEd25519KeyPair(seed: Uint8Array): Ed25519KeyPair {
  const secret = createHash('sha256').update('ed25519').update(seed).digest()
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, secret]),
    format: 'der',
    type: 'pkcs8',
  })
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { privateKey, publicKey: Buffer.from(x ?? '', 'base64url') }
}

export function signEd25519(pair: Ed25519KeyPair, bytes: Uint8Array): Uint8Array {
  return sign(null, bytes, pair.privateKey)
}

/** False for a wrong signature and for a key that is not a point of the curve. */
export function verifyEd25519(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    const x = Buffer.from(publicKey).toString('base64url')
    return verify(
      null,
      bytes,
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
      signature,
    )
  } catch {
    return false
  }
}

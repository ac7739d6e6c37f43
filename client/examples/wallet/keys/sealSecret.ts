import { KeyError } from './Keys.ts'

/** As it lies in localStorage: base64 fields. */
export interface SealedSecret {
  readonly version: 1
  readonly iterations: number
  readonly salt: string
  readonly nonce: string
  readonly sealed: string
}

/** OWASP's figure of 2023 for PBKDF2 with SHA-256: half a second on a phone. */
const iterations = 600_000
const maxIterations = 10_000_000
export const minPassphraseLength = 8

/** AES-256-GCM under a key that PBKDF2-SHA-256 draws out of the passphrase. */
export async function sealSecret(secret: string, passphrase: string): Promise<SealedSecret> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const nonce = crypto.getRandomValues(new Uint8Array(12))
  const key = await deriveKey(passphrase, salt, iterations)
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv: nonce },
    key,
    new TextEncoder().encode(secret),
  )
  return {
    version: 1,
    iterations,
    salt: toBase64(salt),
    nonce: toBase64(nonce),
    sealed: toBase64(new Uint8Array(sealed)),
  }
}

/** @throws KeyError for a wrong passphrase, or bytes that were changed: the two look alike */
export async function openSealed(kept: SealedSecret, passphrase: string): Promise<string> {
  try {
    const key = await deriveKey(passphrase, fromBase64(kept.salt), kept.iterations)
    const secret = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: fromBase64(kept.nonce) },
      key,
      fromBase64(kept.sealed),
    )
    return new TextDecoder('utf-8', { fatal: true }).decode(secret)
  } catch {
    throw new KeyError('This passphrase does not open the key.')
  }
}

export function isSealedSecret(value: unknown): value is SealedSecret {
  if (typeof value !== 'object' || value === null) return false
  const kept = value as Record<string, unknown>
  return (
    kept.version === 1 &&
    Number.isInteger(kept.iterations) &&
    (kept.iterations as number) >= 1 &&
    (kept.iterations as number) <= maxIterations &&
    [kept.salt, kept.nonce, kept.sealed].every((field) => typeof field === 'string' && isBase64.test(field))
  )
}

const isBase64 = /^[A-Za-z0-9+/]{16,1024}={0,2}$/

async function deriveKey(passphrase: string, salt: BufferSource, iterations: number): Promise<CryptoKey> {
  const typed = new TextEncoder().encode(passphrase.normalize('NFKC'))
  const base = await crypto.subtle.importKey('raw', typed, 'PBKDF2', false, ['deriveKey'])
  return crypto.subtle.deriveKey(
    { name: 'PBKDF2', hash: 'SHA-256', salt, iterations },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  )
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

import { isSealedSecret, type SealedSecret } from './sealSecret.ts'

const place = 'veilcast-wallet-key'

export type KeptSecret =
  | { readonly kind: 'none' }
  | { readonly kind: 'sealed'; readonly sealed: SealedSecret }
  /** Something lies there that is no sealed key, or the browser does not let us look. */
  | { readonly kind: 'unreadable' }

export function findKeptSecret(storage: () => Storage): KeptSecret {
  try {
    const text = storage().getItem(place)
    if (text === null) return { kind: 'none' }
    const value: unknown = JSON.parse(text)
    return isSealedSecret(value) ? { kind: 'sealed', sealed: value } : { kind: 'unreadable' }
  } catch {
    return { kind: 'unreadable' }
  }
}

/** False where the browser's storage is full or closed. */
export function keepSecret(storage: () => Storage, sealed: SealedSecret): boolean {
  try {
    storage().setItem(place, JSON.stringify(sealed))
    return true
  } catch {
    return false
  }
}

export function dropSecret(storage: () => Storage): void {
  try {
    storage().removeItem(place)
  } catch {
    // A closed storage keeps nothing.
  }
}

import { base58 } from '@scure/base'

export const RECIPIENT_BYTES = 96

/** 96 bytes (ed25519 identity, x25519 encryption key, gateway identity) as `identity.encryption@gateway`. */
export function recipientToText(bytes: Uint8Array): string {
  const part = (index: number) => base58.encode(Uint8Array.from(bytes.subarray(32 * index, 32 * index + 32)))
  return `${part(0)}.${part(1)}@${part(2)}`
}

/** Undefined when it is not three keys in base58. */
export function recipientFromText(text: string): Uint8Array | undefined {
  const keys = /^([^.@]{32,44})\.([^.@]{32,44})@([^.@]{32,44})$/.exec(text)?.slice(1)
  if (keys === undefined) return undefined
  try {
    const bytes = Buffer.concat(keys.map((key) => base58.decode(key)))
    return bytes.length === RECIPIENT_BYTES ? bytes : undefined
  } catch {
    return undefined
  }
}

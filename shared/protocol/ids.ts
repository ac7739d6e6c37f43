import { maxChainIdBytes } from './limits.ts'

declare const brand: unique symbol

/** 128 random bits that name one request. Whoever knows a submit's id may ask for its status. */
export type RequestId = Uint8Array & { readonly [brand]: 'RequestId' }

/** The chain's own transaction hash, 32 bytes. */
export type TxId = Uint8Array & { readonly [brand]: 'TxId' }

/** CAIP-2, as in `eip155:1` or `cosmos:cosmoshub-4`. */
export type ChainId = string & { readonly [brand]: 'ChainId' }

export function newRequestId(): RequestId {
  return crypto.getRandomValues(new Uint8Array(16)) as RequestId
}

/** @throws RangeError unless 16 bytes */
export function toRequestId(bytes: Uint8Array): RequestId {
  if (bytes.length !== 16) throw new RangeError(`A request id has 16 bytes, not ${bytes.length}.`)
  return bytes as RequestId
}

/** @throws RangeError unless 32 bytes */
export function toTxId(bytes: Uint8Array): TxId {
  if (bytes.length !== 32) throw new RangeError(`A transaction id has 32 bytes, not ${bytes.length}.`)
  return bytes as TxId
}

const caip2 = /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/

/** @throws RangeError unless it has the form of CAIP-2 */
export function parseChainId(text: string): ChainId {
  if (!isChainId(text)) {
    throw new RangeError('A chain id has the form of CAIP-2: eip155:1, cosmos:cosmoshub-4.')
  }
  return text
}

export function isChainId(text: string): text is ChainId {
  return text.length <= maxChainIdBytes && caip2.test(text)
}

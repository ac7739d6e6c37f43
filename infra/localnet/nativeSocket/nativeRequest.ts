/** What a program asks of its native client, whether in a binary or in a text frame. */
export type NativeRequest =
  | { readonly type: 'send'; readonly to: string; readonly payload: Uint8Array; readonly connection: bigint }
  | {
      readonly type: 'sendAnonymous'
      readonly to: string
      readonly payload: Uint8Array
      readonly replySurbs: number
      readonly connection: bigint
    }
  | {
      readonly type: 'reply'
      readonly senderTag: Uint8Array
      readonly payload: Uint8Array
      readonly connection: bigint
    }
  | { readonly type: 'selfAddress' }
  | { readonly type: 'closedConnection' }
  | { readonly type: 'getLaneQueueLength'; readonly connection: bigint }

/** The `kind` byte of an error frame (clients/native/websocket-requests/src/error.rs). */
export const ERROR_KINDS = {
  emptyRequest: 0x01,
  tooShortRequest: 0x02,
  unknownRequest: 0x03,
  malformedRequest: 0x04,
  other: 0xff,
} as const

export class NativeRequestError extends Error {
  override name = 'NativeRequestError'
  readonly kind: number

  constructor(kind: keyof typeof ERROR_KINDS, message: string) {
    super(message)
    this.kind = ERROR_KINDS[kind]
  }
}

export const SENDER_TAG_BYTES = 16
/** A native client would try to attach any number; this many already fill 60 packets. */
export const MAX_REPLY_SURBS = 200

export function parseReplySurbs(count: unknown): number {
  if (!Number.isInteger(count) || (count as number) < 0 || (count as number) > MAX_REPLY_SURBS) {
    throw new NativeRequestError('malformedRequest', `replySurbs must be 0 to ${MAX_REPLY_SURBS}`)
  }
  return count as number
}

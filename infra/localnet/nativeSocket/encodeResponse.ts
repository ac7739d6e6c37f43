import { base58 } from '@scure/base'
import { recipientFromText } from './recipient.ts'

/** What a native client says to its program. */
export type NativeResponse =
  | { readonly type: 'error'; readonly kind: number; readonly message: string }
  | { readonly type: 'received'; readonly payload: Uint8Array; readonly senderTag: Uint8Array | undefined }
  | { readonly type: 'selfAddress'; readonly address: string }
  | { readonly type: 'laneQueueLength'; readonly lane: bigint; readonly queueLength: number }

export function encodeBinaryResponse(response: NativeResponse): Uint8Array {
  switch (response.type) {
    case 'error': {
      const text = Buffer.from(response.message)
      return Buffer.concat([Uint8Array.of(0x00, response.kind), u64(text.length), text])
    }
    case 'received': {
      const { senderTag, payload } = response
      const tag = senderTag ? [Uint8Array.of(1), senderTag] : [Uint8Array.of(0)]
      return Buffer.concat([Uint8Array.of(0x01), ...tag, u64(payload.length), payload])
    }
    case 'selfAddress':
      return Buffer.concat([Uint8Array.of(0x02), recipientFromText(response.address) ?? new Uint8Array()])
    case 'laneQueueLength':
      return Buffer.concat([Uint8Array.of(0x03), u64(response.lane), u64(response.queueLength)])
  }
}

/** Lossy, as in the native client: what is not UTF-8 in a payload is replaced. */
export function encodeTextResponse(response: NativeResponse): string {
  switch (response.type) {
    case 'error':
      return JSON.stringify({ type: 'error', message: response.message })
    case 'received': {
      const message = Buffer.from(response.payload).toString('utf8')
      const senderTag = response.senderTag ? base58.encode(response.senderTag) : null
      return JSON.stringify({ type: 'received', message, senderTag })
    }
    case 'selfAddress':
      return JSON.stringify({ type: 'selfAddress', address: response.address })
    case 'laneQueueLength':
      return JSON.stringify({
        type: 'laneQueueLength',
        lane: Number(response.lane),
        queueLength: response.queueLength,
      })
  }
}

function u64(value: number | bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

import { type NativeRequest, NativeRequestError, parseReplySurbs, SENDER_TAG_BYTES } from './nativeRequest.ts'
import { RECIPIENT_BYTES, recipientToText } from './recipient.ts'

/** Reads a binary frame; all integers are big-endian. Throws NativeRequestError. */
export function decodeBinaryRequest(frame: Buffer): NativeRequest {
  if (frame.length === 0) throw new NativeRequestError('emptyRequest', 'no data provided')
  switch (frame[0]) {
    case 0x00: {
      const { head, connection, payload } = split(frame, 1 + RECIPIENT_BYTES)
      return { type: 'send', to: recipientToText(head.subarray(1)), connection, payload }
    }
    case 0x01: {
      const { head, connection, payload } = split(frame, 1 + 4 + RECIPIENT_BYTES)
      const replySurbs = parseReplySurbs(head.readUInt32BE(1))
      return { type: 'sendAnonymous', to: recipientToText(head.subarray(5)), replySurbs, connection, payload }
    }
    case 0x02: {
      const { head, connection, payload } = split(frame, 1 + SENDER_TAG_BYTES)
      return { type: 'reply', senderTag: Uint8Array.from(head.subarray(1)), connection, payload }
    }
    case 0x03:
      return { type: 'selfAddress' }
    case 0x04:
      connectionOf(frame)
      return { type: 'closedConnection' }
    case 0x05:
      return { type: 'getLaneQueueLength', connection: connectionOf(frame) }
    default:
      throw new NativeRequestError('unknownRequest', `${frame[0]} is no request`)
  }
}

/** head | connection u64 | length u64 | payload */
function split(frame: Buffer, headBytes: number) {
  if (frame.length < headBytes + 16) throw new NativeRequestError('tooShortRequest', 'not enough data')
  const payload = Uint8Array.from(frame.subarray(headBytes + 16))
  if (frame.readBigUInt64BE(headBytes + 8) !== BigInt(payload.length)) {
    throw new NativeRequestError('malformedRequest', 'the length is not that of the data')
  }
  return { head: frame.subarray(0, headBytes), connection: frame.readBigUInt64BE(headBytes), payload }
}

function connectionOf(frame: Buffer): bigint {
  if (frame.length !== 9) throw new NativeRequestError('malformedRequest', 'a connection id has 8 bytes')
  return frame.readBigUInt64BE(1)
}

import { base58 } from '@scure/base'
import { type NativeRequest, NativeRequestError, parseReplySurbs, SENDER_TAG_BYTES } from './nativeRequest.ts'
import { recipientFromText } from './recipient.ts'

/** Reads a JSON text frame. Throws NativeRequestError. */
export function decodeTextRequest(frame: string): NativeRequest {
  const json = parseObject(frame)
  switch (json.type) {
    case 'selfAddress':
      return { type: 'selfAddress' }
    case 'send':
      return { type: 'send', to: recipient(json), payload: message(json), connection: connection(json) }
    case 'sendAnonymous':
      return {
        type: 'sendAnonymous',
        to: recipient(json),
        payload: message(json),
        replySurbs: parseReplySurbs(json.replySurbs),
        connection: connection(json),
      }
    case 'reply':
      return {
        type: 'reply',
        senderTag: senderTag(json),
        payload: message(json),
        connection: connection(json),
      }
    default:
      throw malformed('unknown type')
  }
}

const malformed = (what: string) => new NativeRequestError('malformedRequest', what)

function parseObject(frame: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(frame)
    if (typeof json === 'object' && json !== null) return json as Record<string, unknown>
  } catch {
    // Said below, without the text.
  }
  throw malformed('not a JSON object')
}

function recipient(json: Record<string, unknown>): string {
  if (typeof json.recipient !== 'string' || !recipientFromText(json.recipient))
    throw malformed('malformed recipient')
  return json.recipient
}

function message(json: Record<string, unknown>): Uint8Array {
  if (typeof json.message !== 'string') throw malformed('message must be a string')
  return Uint8Array.from(Buffer.from(json.message))
}

function connection(json: Record<string, unknown>): bigint {
  const id = json.connectionId ?? 0
  if (!Number.isSafeInteger(id) || (id as number) < 0) throw malformed('malformed connectionId')
  return BigInt(id as number)
}

function senderTag(json: Record<string, unknown>): Uint8Array {
  try {
    const tag =
      typeof json.senderTag === 'string' && json.senderTag.length < 32 && base58.decode(json.senderTag)
    if (tag && tag.length === SENDER_TAG_BYTES) return tag
  } catch {
    // Said below.
  }
  throw malformed('malformed senderTag')
}

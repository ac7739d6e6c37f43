import * as P from 'micro-packed'
import { requestId, whole } from './fields.ts'
import { type RequestId, toRequestId } from './ids.ts'
import { maxMessageBytes } from './limits.ts'
import { incarnation, type Reply, replyBody } from './reply.ts'
import { type Request, requestBody } from './request.ts'

/** The first byte of every message. It names the layout, never the software that wrote it. */
export const protocolVersion = 1

export type ProtocolErrorKind = 'malformedMessage' | 'unsupportedVersion' | 'unknownKind' | 'messageTooLarge'

/**
 * Why bytes are no message of ours. Carries the request id where it could be read, and of a request the SURB count too, so
 * that it can be answered.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly kind: ProtocolErrorKind
  readonly id: RequestId | undefined
  readonly surbs: number
  constructor(kind: ProtocolErrorKind, id?: RequestId, surbs = 0) {
    super(`Not a message of this protocol: ${kind}.`)
    this.kind = kind
    this.id = id
    this.surbs = surbs
  }
}

// version 1 | request id 16 | SURBs 1 | kind 1 | fields
const request = whole<Request>(P.struct({ id: requestId, surbs: P.U8, body: requestBody }))
// version 1 | request id 16 | incarnation 8 | number 4 | kind 1 | fields
const reply = whole<Reply>(P.struct({ id: requestId, incarnation, number: P.U32BE, body: replyBody }))

const requestHeaderBytes = 19
const replyHeaderBytes = 30
const requestKinds: ReadonlySet<number> = new Set([0x01, 0x02, 0x03, 0x04])
const replyKinds: ReadonlySet<number> = new Set([0x81, 0x82, 0x83, 0x84])

/** @throws Error where a field is out of its range */
export function encodeRequest(message: Request): Uint8Array {
  return withVersion(request.encode(message))
}

/** @throws Error where a field is out of its range */
export function encodeReply(message: Reply): Uint8Array {
  return withVersion(reply.encode(message))
}

/**
 * Reads hostile bytes. The length is checked first, the rest is read in one pass without an allocation that the bytes'
 * own length does not bound; trailing bytes are refused. Long fields are views of `message`; the id is a copy, so that
 * whoever keeps it does not keep the message.
 * @throws ProtocolError
 */
export function decodeRequest(message: Uint8Array): Request {
  const bytes = withoutBuffer(message)
  if (bytes.length < requestHeaderBytes) throw new ProtocolError('malformedMessage')
  const id = toRequestId(bytes.slice(1, 17))
  const surbs = bytes[17] ?? 0
  if (bytes[0] !== protocolVersion) throw new ProtocolError('unsupportedVersion', id, surbs)
  if (bytes.length > maxMessageBytes) throw new ProtocolError('messageTooLarge', id, surbs)
  if (!requestKinds.has(bytes[18] ?? 0)) throw new ProtocolError('unknownKind', id, surbs)
  try {
    return { ...request.decode(bytes.subarray(1)), id }
  } catch {
    throw new ProtocolError('malformedMessage', id, surbs)
  }
}

/**
 * Reads hostile bytes, as decodeRequest does.
 * @throws ProtocolError
 */
export function decodeReply(message: Uint8Array): Reply {
  const bytes = withoutBuffer(message)
  if (bytes.length < replyHeaderBytes) throw new ProtocolError('malformedMessage')
  const id = toRequestId(bytes.slice(1, 17))
  if (bytes[0] !== protocolVersion) throw new ProtocolError('unsupportedVersion', id)
  if (bytes.length > maxMessageBytes) throw new ProtocolError('messageTooLarge', id)
  if (!replyKinds.has(bytes[29] ?? 0)) throw new ProtocolError('unknownKind', id)
  try {
    return { ...reply.decode(bytes.subarray(1)), id }
  } catch {
    throw new ProtocolError('malformedMessage', id)
  }
}

/** The same bytes as a plain Uint8Array: a Buffer's `slice` and `subarray` would hand Buffers on. */
function withoutBuffer(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

function withVersion(rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(rest.length + 1)
  bytes[0] = protocolVersion
  bytes.set(rest, 1)
  return bytes
}

import { type Coder, struct, u8, u32, whole } from './codec.ts'
import { requestId } from './fields.ts'
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
const request = whole(versioned(struct<Request>({ id: requestId, surbs: u8, body: requestBody })))
// version 1 | request id 16 | incarnation 8 | number 4 | kind 1 | fields
const reply = whole(versioned(struct<Reply>({ id: requestId, incarnation, number: u32, body: replyBody })))

const requestHeaderBytes = 19
const replyHeaderBytes = 30
const requestKinds: ReadonlySet<number> = new Set([0x01, 0x02, 0x03, 0x04])
const replyKinds: ReadonlySet<number> = new Set([0x81, 0x82, 0x83, 0x84])

/** @throws Error where a field is out of its range */
export function encodeRequest(message: Request): Uint8Array {
  return request.encode(message)
}

/** @throws Error where a field is out of its range */
export function encodeReply(message: Reply): Uint8Array {
  return reply.encode(message)
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
    return { ...request.decode(bytes), id }
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
    return { ...reply.decode(bytes), id }
  } catch {
    throw new ProtocolError('malformedMessage', id)
  }
}

/** The same bytes as a plain Uint8Array: a Buffer's `slice` and `subarray` would hand Buffers on. */
function withoutBuffer(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Whether the version is ours was looked at before, so as to say so. */
function versioned<T>(message: Coder<T>): Coder<T> {
  return {
    write(to, value) {
      to.u8(protocolVersion)
      message.write(to, value)
    },
    read(from) {
      from.u8()
      return message.read(from)
    },
  }
}

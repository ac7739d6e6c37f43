import * as P from 'micro-packed'
import { requestId } from './fields.ts'
import { type RequestId, toRequestId } from './ids.ts'
import { maxMessageBytes } from './limits.ts'
import { incarnation, type Reply, replyBody } from './reply.ts'
import { type Request, requestBody } from './request.ts'

/** The first byte of every message. It names the layout, never the software that wrote it. */
export const protocolVersion = 1

export type ProtocolErrorKind = 'malformedMessage' | 'unsupportedVersion' | 'unknownKind' | 'messageTooLarge'

/** Why bytes are no message of ours. Carries the request id and the SURB count where they could be read, so that it can be answered. */
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
const request = P.struct({ id: requestId, surbs: P.U8, body: requestBody }) as P.CoderType<Request>
// version 1 | request id 16 | incarnation 8 | number 4 | kind 1 | fields
const reply = P.struct({ id: requestId, incarnation, number: P.U32BE, body: replyBody }) as P.CoderType<Reply>

const requestHeaderBytes = 19
const requestKinds: ReadonlySet<number> = new Set([0x01, 0x02, 0x03, 0x04])

export function encodeRequest(message: Request): Uint8Array {
  return withVersion(request.encode(message))
}

export function encodeReply(message: Reply): Uint8Array {
  return withVersion(reply.encode(message))
}

/**
 * Reads hostile bytes. The length is checked first, the rest is read in one pass without an allocation that the bytes'
 * own length does not bound; trailing bytes are refused.
 * @throws ProtocolError
 */
export function decodeRequest(bytes: Uint8Array): Request {
  if (bytes.length < requestHeaderBytes) throw new ProtocolError('malformedMessage')
  const id = toRequestId(bytes.slice(1, 17))
  const surbs = bytes[17] ?? 0
  if (bytes[0] !== protocolVersion) throw new ProtocolError('unsupportedVersion', id, surbs)
  if (bytes.length > maxMessageBytes) throw new ProtocolError('messageTooLarge', id, surbs)
  if (!requestKinds.has(bytes[18] ?? 0)) throw new ProtocolError('unknownKind', id, surbs)
  try {
    return request.decode(bytes.subarray(1))
  } catch {
    throw new ProtocolError('malformedMessage', id, surbs)
  }
}

/** @throws ProtocolError */
export function decodeReply(bytes: Uint8Array): Reply {
  if (bytes.length > maxMessageBytes) throw new ProtocolError('messageTooLarge')
  if (bytes[0] !== protocolVersion) throw new ProtocolError('unsupportedVersion')
  try {
    return reply.decode(bytes.subarray(1))
  } catch {
    throw new ProtocolError('malformedMessage')
  }
}

function withVersion(rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(rest.length + 1)
  bytes[0] = protocolVersion
  bytes.set(rest, 1)
  return bytes
}

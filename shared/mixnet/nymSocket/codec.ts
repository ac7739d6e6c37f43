import { base58 } from '@scure/base'
import type { MixnetAddress, SenderTag } from '../Mixnet.ts'
import { maxPayloadBytes } from '../Mixnet.ts'
import { parseAddress } from '../parseAddress.ts'

/**
 * The binary frames of the native nym-client's websocket, integers big-endian (nymtech/nym,
 * clients/native/websocket-requests).
 */
const request = { send: 0, sendAnonymous: 1, reply: 2, selfAddress: 3, laneQueueLength: 5 } as const
const response = { error: 0, received: 1, selfAddress: 2, laneQueueLength: 3 } as const

/** All of ours goes by one lane with a name, for after each message on such a lane the client says how much waits there. */
const lane = 1

const keyBytes = 32
const recipientBytes = 3 * keyBytes
const tagBytes = 16

/** What the native client says. */
export type Frame =
  | { readonly kind: 'error' }
  | {
      readonly kind: 'received'
      readonly payload: Uint8Array
      readonly replyTo?: SenderTag
    }
  | { readonly kind: 'selfAddress'; readonly address: MixnetAddress }
  | { readonly kind: 'laneQueueLength'; readonly packets: number }

/** `00 | recipient 96 | connection u64 | length u64 | data`, and `01 | SURBs u32 | ...` with SURBs. */
export function encodeRequest(to: MixnetAddress, payload: Uint8Array, surbs: number): Uint8Array {
  const head =
    surbs === 0 ? Uint8Array.of(request.send) : concat(Uint8Array.of(request.sendAnonymous), u32(surbs))
  return concat(head, encodeRecipient(to), u64(lane), u64(payload.length), payload)
}

/** `02 | tag 16 | connection u64 | length u64 | data` */
export function encodeReply(to: SenderTag, payload: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(request.reply), base58.decode(to), u64(lane), u64(payload.length), payload)
}

/** `03` */
export function encodeSelfAddress(): Uint8Array {
  return Uint8Array.of(request.selfAddress)
}

/** `05 | connection u64` */
export function encodeLaneQueueLength(): Uint8Array {
  return concat(Uint8Array.of(request.laneQueueLength), u64(lane))
}

/** Undefined for anything that is not, to its last byte, a frame of ours to understand. */
export function decodeFrame(frame: Uint8Array): Frame | undefined {
  const body = frame.subarray(1)
  switch (frame[0]) {
    case response.error:
      // Its text is free and may repeat what was sent: nobody reads it.
      return { kind: 'error' }
    case response.received:
      return decodeReceived(body)
    case response.selfAddress:
      return body.length === recipientBytes
        ? { kind: 'selfAddress', address: decodeRecipient(body) }
        : undefined
    case response.laneQueueLength:
      return body.length === 16 ? { kind: 'laneQueueLength', packets: Number(readU64(body, 8)) } : undefined
    default:
      return undefined
  }
}

/** `has_tag u8 | tag 16? | length u64 | data` */
function decodeReceived(body: Uint8Array): Frame | undefined {
  const tagged = body[0]
  if (tagged !== 0 && tagged !== 1) return undefined
  const start = 1 + tagged * tagBytes
  if (body.length < start + 8) return undefined
  const payload = body.slice(start + 8)
  if (payload.length > maxPayloadBytes || readU64(body, start) !== BigInt(payload.length)) return undefined
  if (tagged === 0) return { kind: 'received', payload }
  return {
    kind: 'received',
    payload,
    replyTo: base58.encode(body.subarray(1, start)) as SenderTag,
  }
}

function encodeRecipient(address: MixnetAddress): Uint8Array {
  return concat(...address.split(/[.@]/).map((key) => base58.decode(key)))
}

function decodeRecipient(bytes: Uint8Array): MixnetAddress {
  const [identity, encryption, gateway] = [0, 1, 2].map((n) =>
    base58.encode(bytes.subarray(n * keyBytes, (n + 1) * keyBytes)),
  )
  return parseAddress(`${identity}.${encryption}@${gateway}`)
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

function readU64(bytes: Uint8Array, offset: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(offset)
}

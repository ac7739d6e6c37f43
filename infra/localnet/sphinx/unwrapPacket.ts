import type { KeyObject } from 'node:crypto'
import { openHeader, UnreadablePacketError } from './openHeader.ts'
import { openLioness } from './openLioness.ts'
import { ACK_PACKET_BYTES, HEADER_BYTES, PAYLOAD_ZEROS_BYTES, REGULAR_PACKET_BYTES } from './parameters.ts'

/** A packet after one hop: on its way to the next node, or read by its last one. */
export type UnwrappedPacket =
  | {
      readonly kind: 'forward'
      readonly nextAddress: Uint8Array
      readonly delayMs: number
      readonly packet: Uint8Array
    }
  | { readonly kind: 'final'; readonly destination: Uint8Array; readonly message: Uint8Array }

/** Takes one Sphinx layer off with the hop's own key. Throws UnreadablePacketError. */
export function unwrapPacket(packet: Uint8Array, privateKey: KeyObject): UnwrappedPacket {
  if (packet.length !== REGULAR_PACKET_BYTES && packet.length !== ACK_PACKET_BYTES) {
    throw new UnreadablePacketError('packet of an unknown size')
  }
  const header = openHeader(packet.subarray(0, HEADER_BYTES), privateKey)
  const payload = openLioness(header.payloadKey, packet.subarray(HEADER_BYTES))
  if (header.kind === 'final') {
    return { kind: 'final', destination: header.destination, message: messageOf(payload) }
  }
  return {
    kind: 'forward',
    nextAddress: header.nextAddress,
    delayMs: header.delayMs,
    packet: Buffer.concat([header.nextHeader, payload]),
  }
}

/** Plaintext is 16 zeros, the message, a 1, and zeros to the end. */
function messageOf(plaintext: Uint8Array): Uint8Array {
  if (plaintext.subarray(0, PAYLOAD_ZEROS_BYTES).some((byte) => byte !== 0)) {
    throw new UnreadablePacketError('payload was changed on the way')
  }
  const end = plaintext.lastIndexOf(1)
  if (end < PAYLOAD_ZEROS_BYTES || plaintext.subarray(end + 1).some((byte) => byte !== 0)) {
    throw new UnreadablePacketError('payload has no padding mark')
  }
  return plaintext.subarray(PAYLOAD_ZEROS_BYTES, end)
}

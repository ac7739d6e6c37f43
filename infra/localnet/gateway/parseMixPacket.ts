import { REGULAR_PACKET_BYTES } from '../sphinx/parameters.ts'
import { parseRoutingAddress, type RoutingAddress } from '../sphinx/routingAddress.ts'

const REGULAR_SIZE = 0
const ODD_ROTATION = 1
const EVEN_ROTATION = 2

/** Reads an upload: packet type 1 | key rotation 1 | first hop 7 or 19 | Sphinx packet. Undefined when it is not one. */
export function parseMixPacket(
  bytes: Uint8Array,
): { readonly firstHop: RoutingAddress; readonly packet: Uint8Array } | undefined {
  if (bytes[0] !== REGULAR_SIZE) return undefined
  if (bytes[1] !== ODD_ROTATION && bytes[1] !== EVEN_ROTATION) return undefined
  const firstHop = parseRoutingAddress(bytes.subarray(2))
  if (firstHop === undefined) return undefined
  const packet = bytes.subarray(2 + firstHop.bytesRead)
  if (packet.length !== REGULAR_PACKET_BYTES) return undefined
  return { firstHop: firstHop.address, packet }
}

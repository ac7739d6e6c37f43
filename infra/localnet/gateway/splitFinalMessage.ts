import { ACK_PACKET_BYTES } from '../sphinx/parameters.ts'
import { parseRoutingAddress, type RoutingAddress } from '../sphinx/routingAddress.ts'

const ACK_FIRST_HOP_BYTES = 19
const DATA_BYTES = 1643
const ACK_BYTES = 21

/** What a packet carried to its last hop: an acknowledgement, or data with the way back for its acknowledgement. */
export type FinalMessage =
  | { readonly kind: 'ack'; readonly body: Uint8Array }
  | {
      readonly kind: 'data'
      readonly body: Uint8Array
      readonly ack: { readonly firstHop: RoutingAddress; readonly packet: Uint8Array }
    }

/** Undefined for a message of any other form. */
export function splitFinalMessage(message: Uint8Array): FinalMessage | undefined {
  if (message.length === ACK_BYTES) return { kind: 'ack', body: message }
  if (message.length !== ACK_FIRST_HOP_BYTES + ACK_PACKET_BYTES + DATA_BYTES) return undefined
  const firstHop = parseRoutingAddress(message)
  if (firstHop === undefined) return undefined
  const ackEnd = ACK_FIRST_HOP_BYTES + ACK_PACKET_BYTES
  return {
    kind: 'data',
    body: message.subarray(ackEnd),
    ack: { firstHop: firstHop.address, packet: message.subarray(ACK_FIRST_HOP_BYTES, ackEnd) },
  }
}

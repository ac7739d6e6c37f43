/**
 * How many bytes of ours one regular Sphinx packet of Nym 1.4 carries, measured to the byte against the published wasm
 * client: an anonymous request holds 1581 bytes, each SURB takes 460 of them, and a reply holds 1601.
 */
export const requestPacketBytes = 1581
export const replyPacketBytes = 1601
export const surbBytes = 460

/** What a message of several packets carries per packet, once it is cut into fragments (a lower bound). */
const fragmentBytes = 1550

/** Data packets that a request of `payloadBytes` with `surbs` SURBs costs. Exact up to one packet, an upper bound above. */
export function requestPackets(payloadBytes: number, surbs: number): number {
  const totalBytes = payloadBytes + surbs * surbBytes
  return totalBytes <= requestPacketBytes ? 1 : Math.ceil((totalBytes + 64) / fragmentBytes)
}

/** Packets, and so SURBs, that a reply of `payloadBytes` costs. Exact up to one packet, an upper bound above. */
export function replyPackets(payloadBytes: number): number {
  return payloadBytes <= replyPacketBytes ? 1 : Math.ceil((payloadBytes + 64) / fragmentBytes)
}

/** The longest reply that so many packets carry for certain: `replyPackets` the other way round. */
export function replyCapacityBytes(packets: number): number {
  return packets <= 1 ? packets * replyPacketBytes : packets * fragmentBytes - 64
}

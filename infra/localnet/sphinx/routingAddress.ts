/** Where a packet goes next, as text: `127.0.0.1:10001`, or `[::1]:10001`. */
export type RoutingAddress = string

/**
 * Reads `4 | port u16 | ip 4` or `6 | port u16 | ip 16` from the front of some bytes, zeros behind it allowed.
 * Undefined when it is neither. `bytesRead` is 7 or 19.
 */
export function parseRoutingAddress(
  bytes: Uint8Array,
): { readonly address: RoutingAddress; readonly bytesRead: number } | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view[0] === 4 && view.length >= 7) {
    return { address: `${view.subarray(3, 7).join('.')}:${view.readUInt16BE(1)}`, bytesRead: 7 }
  }
  if (view[0] === 6 && view.length >= 19) {
    return { address: `[${view.toString('hex', 3, 19)}]:${view.readUInt16BE(1)}`, bytesRead: 19 }
  }
  return undefined
}

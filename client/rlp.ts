/** Where an RLP item's payload lies in the bytes that hold it. */
export interface RlpItem {
  readonly isList: boolean
  /** First byte of the item, its prefix included. */
  readonly from: number
  readonly payload: number
  readonly end: number
}

/**
 * Reads one item of canonical RLP without copying it or looking inside.
 * @throws RangeError where it is cut off or not canonical
 * Source: Ethereum yellow paper, appendix B.
 */
export function readRlpItem(bytes: Uint8Array, from = 0, limit = bytes.length): RlpItem {
  const prefix = from < limit ? bytes[from] : undefined
  if (prefix === undefined) throw new RangeError('cut off')
  if (prefix < 0x80) return { isList: false, from, payload: from, end: from + 1 }
  const isList = prefix >= 0xc0
  const short = prefix - (isList ? 0xc0 : 0x80)
  const lengthBytes = short > 55 ? short - 55 : 0
  const payload = from + 1 + lengthBytes
  let length = short
  if (lengthBytes > 0) {
    if (lengthBytes > 4 || payload > limit || bytes[from + 1] === 0) throw new RangeError('impossible length')
    length = bytes.subarray(from + 1, payload).reduce((sum, byte) => sum * 256 + byte, 0)
    if (length < 56) throw new RangeError('length not canonical')
  }
  const end = payload + length
  if (end > limit) throw new RangeError('cut off')
  if (!isList && length === 1 && (bytes[payload] ?? 0) < 0x80) throw new RangeError('byte not canonical')
  return { isList, from, payload, end }
}

/** How many items a list has. @throws RangeError */
export function countRlpItems(bytes: Uint8Array, list: RlpItem): number {
  let items = 0
  for (let at = list.payload; at < list.end; at = readRlpItem(bytes, at, list.end).end) items += 1
  return items
}

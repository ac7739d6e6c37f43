/** RLP as the execution layer's specification has it (Ethereum yellow paper, appendix B), in its one canonical form. */
export type RlpItem = RlpBytes | RlpList

export interface RlpBytes {
  readonly kind: 'bytes'
  readonly bytes: Uint8Array
  /** The item as it stands in the input, its prefix included. */
  readonly raw: Uint8Array
}

export interface RlpList {
  readonly kind: 'list'
  readonly items: readonly RlpItem[]
  readonly raw: Uint8Array
}

/** `malformed`: it ends too early, nests too deep or has too many items. `nonCanonical`: readable, but not in the one form. */
export class RlpError extends Error {
  override readonly name = 'RlpError'
  readonly reason: 'malformed' | 'nonCanonical'
  constructor(reason: RlpError['reason']) {
    super(`RLP is ${reason}.`)
    this.reason = reason
  }
}

/** A blob transaction's access list: wrapper, envelope, list, entry, keys. */
const maxDepth = 5
const maxItems = 32_768

/**
 * Reads one item that has to fill the input; its parts are views of it.
 *
 * @throws RlpError
 */
export function decodeRlp(input: Uint8Array): RlpItem {
  const reader = { input, itemsLeft: maxItems }
  const { item, end } = readItem(reader, 0, input.length, maxDepth)
  if (end !== input.length) throw new RlpError('nonCanonical')
  return item
}

interface Reader {
  readonly input: Uint8Array
  itemsLeft: number
}

function readItem(
  reader: Reader,
  start: number,
  limit: number,
  depth: number,
): { item: RlpItem; end: number } {
  if (reader.itemsLeft-- <= 0) throw new RlpError('malformed')
  const { input } = reader
  const prefix = byteAt(input, start, limit)
  if (prefix < 0x80) {
    const raw = input.subarray(start, start + 1)
    return { item: { kind: 'bytes', bytes: raw, raw }, end: start + 1 }
  }
  const isList = prefix >= 0xc0
  const { from, length } = readLength(input, start, limit, prefix - (isList ? 0xc0 : 0x80))
  const end = from + length
  if (end > limit) throw new RlpError('malformed')
  const raw = input.subarray(start, end)
  if (!isList) {
    if (length === 1 && byteAt(input, from, limit) < 0x80) throw new RlpError('nonCanonical')
    return { item: { kind: 'bytes', bytes: input.subarray(from, end), raw }, end }
  }
  if (depth === 0) throw new RlpError('malformed')
  const items: RlpItem[] = []
  for (let at = from; at < end; ) {
    const inner = readItem(reader, at, end, depth - 1)
    items.push(inner.item)
    at = inner.end
  }
  return { item: { kind: 'list', items, raw }, end }
}

/** `code` is the prefix without what says list or bytes: up to 55 it is the length, above it the length's own length. */
function readLength(input: Uint8Array, start: number, limit: number, code: number) {
  if (code <= 55) return { from: start + 1, length: code }
  const digits = code - 55
  // Nothing that is read here is longer than 4 GiB.
  if (digits > 4) throw new RlpError('malformed')
  let length = 0
  for (let i = 1; i <= digits; i++) length = length * 256 + byteAt(input, start + i, limit)
  if (byteAt(input, start + 1, limit) === 0 || length <= 55) throw new RlpError('nonCanonical')
  return { from: start + 1 + digits, length }
}

function byteAt(input: Uint8Array, at: number, limit: number): number {
  const byte = at < limit ? input[at] : undefined
  if (byte === undefined) throw new RlpError('malformed')
  return byte
}

/** A list of items that are encoded already. */
export function encodeRlpList(encodedItems: readonly Uint8Array[]): Uint8Array {
  const length = encodedItems.reduce((sum, { length }) => sum + length, 0)
  if (length <= 55) return Buffer.concat([Uint8Array.of(0xc0 + length), ...encodedItems])
  const digits = toMinimalBytes(BigInt(length))
  return Buffer.concat([Uint8Array.of(0xf7 + digits.length), digits, ...encodedItems])
}

/** An unsigned integer below 2^256, without leading zeros; zero is the empty string. */
export function encodeRlpInteger(value: bigint): Uint8Array {
  const bytes = toMinimalBytes(value)
  if (bytes.length === 1 && (bytes[0] as number) < 0x80) return bytes
  return Buffer.concat([Uint8Array.of(0x80 + bytes.length), bytes])
}

function toMinimalBytes(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0)
  const hex = value.toString(16)
  return Uint8Array.from(Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex'))
}

import { concatBytes } from '../concatBytes.ts'

export type RlpValue = Uint8Array | readonly RlpValue[]

/** Source: Ethereum yellow paper, appendix B. */
export function encodeRlp(value: RlpValue): Uint8Array {
  if (value instanceof Uint8Array) {
    if (value.length === 1 && (value[0] ?? 0) < 0x80) return value
    return concatBytes(prefix(0x80, value.length), value)
  }
  const body = concatBytes(...value.map(encodeRlp))
  return concatBytes(prefix(0xc0, body.length), body)
}

function prefix(base: number, length: number): Uint8Array {
  if (length < 56) return Uint8Array.of(base + length)
  const bytes = toMinimalBytes(BigInt(length))
  return Uint8Array.of(base + 55 + bytes.length, ...bytes)
}

/** Big-endian without leading zeros; nothing for 0. */
export function toMinimalBytes(value: bigint): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn))
  return Uint8Array.from(bytes)
}

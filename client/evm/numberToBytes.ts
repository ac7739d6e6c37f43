import { hexToBytes } from '../hex.ts'

/** Big-endian, padded with zeros. */
export function numberToBytes(value: bigint, length: number): Uint8Array {
  return hexToBytes(value.toString(16).padStart(length * 2, '0'))
}

import { EndpointProblem } from '../endpoints/EndpointProblem.ts'

/** Readers of what a node answered. Each throws EndpointProblem where the value has not the form that JSON-RPC gives it. */

export function toHex(bytes: Uint8Array): `0x${string}` {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

export function toQuantity(value: bigint): `0x${string}` {
  return `0x${value.toString(16)}`
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable()
  return value as Record<string, unknown>
}

export function listOf(value: unknown, maxItems: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > maxItems) throw unreadable()
  return value
}

/** Leading zeros, which some nodes write, are read over. */
export function quantityOf(value: unknown, maxBits: 32 | 64 | 128 | 256 = 64): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(value)) throw unreadable()
  const quantity = BigInt(value)
  if (quantity >> BigInt(maxBits)) throw unreadable()
  return quantity
}

/** Below 2^32: an index, or a time in seconds. */
export function numberOf(value: unknown): number {
  return Number(quantityOf(value, 32))
}

export function hashOf(value: unknown): Uint8Array {
  return fixedBytesOf(value, 32)
}

export function addressOf(value: unknown): Uint8Array {
  return fixedBytesOf(value, 20)
}

function fixedBytesOf(value: unknown, length: number): Uint8Array {
  if (typeof value !== 'string' || value.length !== 2 + 2 * length || !/^0x[0-9a-f]*$/i.test(value)) {
    throw unreadable()
  }
  return Uint8Array.from(Buffer.from(value.slice(2), 'hex'))
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function unreadable(): EndpointProblem {
  return new EndpointProblem('unreachable', 'The endpoint gave an answer of another form.')
}

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** test/vectors/protocol.json: the bytes that may never change. Bytes are in hex, 64-bit numbers in decimal text. */

interface Repetition {
  readonly repeat: string
  readonly times: number
}

interface VectorBytes {
  readonly name: string
  readonly hex: string
  /** What follows, where it is too long to write down. */
  readonly then?: Repetition
}

export interface GoodVector extends VectorBytes {
  readonly message: unknown
}

export interface BadVector extends VectorBytes {
  readonly error: string
  /** Null where it cannot be read. */
  readonly id: string | null
  readonly surbs?: number
}

/** Answers to reads, as they stand behind the packing of `results`. */
interface Packed extends VectorBytes {
  readonly packing: 'plain' | 'deflate'
}

export interface ProtocolVectors {
  readonly requests: readonly GoodVector[]
  readonly replies: readonly GoodVector[]
  readonly badRequests: readonly BadVector[]
  readonly badReplies: readonly BadVector[]
  readonly answers: readonly (Packed & { readonly message: unknown })[]
  readonly badAnswers: readonly (Packed & { readonly error: string })[]
}

export const vectorsFolder = resolve(__dirname, '../vectors')
export const protocolVectors: ProtocolVectors = JSON.parse(
  readFileSync(resolve(vectorsFolder, 'protocol.json'), 'utf8'),
)

export function bytesOf({ hex, then }: VectorBytes): Uint8Array {
  const head = Buffer.from(hex, 'hex')
  return Uint8Array.from(then ? Buffer.concat([head, Buffer.alloc(then.times, then.repeat, 'hex')]) : head)
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** A message as the vectors write it. */
export function inJson(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return value.length > 1000 ? { repeat: toHex(value.subarray(0, 1)), times: value.length } : toHex(value)
  }
  if (typeof value === 'bigint') return value.toString()
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(inJson)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inJson(inner)]))
  }
  return value
}

import type { WireError } from '../errors/wireError.ts'
import { boundedBytes, list, struct, u16, u32, u64, union, whole } from './codec.ts'
import { wireError } from './fields.ts'
import { maxCallRevertBytes, maxMessageBytes, maxReadResultBytes, maxReadsPerMessage } from './limits.ts'

export type ReadAnswer =
  /** JSON in UTF-8. */
  | { readonly kind: 'result'; readonly result: Uint8Array }
  /** The contract reverted the call, and gave this. */
  | { readonly kind: 'reverted'; readonly data: Uint8Array }
  | { readonly kind: 'failed'; readonly error: WireError }

/** What `results` holds once it is unpacked. */
export interface ReadAnswers {
  /** The newest block that the broadcaster knew of; 0: none. */
  readonly height: bigint
  /** For how long, in milliseconds, what was asked of the newest block is likely to hold: the next one is due then. 0: unknown. */
  readonly freshMs: number
  /** In the order of the reads. */
  readonly answers: readonly ReadAnswer[]
}

const answer = union<ReadAnswer, 'kind'>('kind', {
  result: [0, struct({ result: boundedBytes(u32, maxReadResultBytes) })],
  reverted: [1, struct({ data: boundedBytes(u16, maxCallRevertBytes) })],
  failed: [2, struct({ error: wireError })],
})

const answers = list(answer, maxReadsPerMessage)

const readAnswers = whole<ReadAnswers>(struct({ height: u64, freshMs: u32, answers }))

/** Not packed yet. @throws Error where a field is out of its range */
export function encodeReadAnswers(message: ReadAnswers): Uint8Array {
  return readAnswers.encode(message)
}

/** Reads hostile bytes, unpacked already: whoever unpacks stops at `maxMessageBytes`. @throws RangeError */
export function decodeReadAnswers(bytes: Uint8Array): ReadAnswers {
  if (bytes.length > maxMessageBytes) throw new RangeError(`longer than ${maxMessageBytes} bytes`)
  try {
    return readAnswers.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
  } catch {
    throw new RangeError('These are no answers to reads.')
  }
}

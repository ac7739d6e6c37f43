import * as P from 'micro-packed'
import type { WireError } from '../errors/wireError.ts'
import { boundedBytes, union, whole, wireError } from './fields.ts'
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

const answer = union<ReadAnswer>('kind', {
  result: [0, P.struct({ result: boundedBytes(P.U32BE, maxReadResultBytes) })],
  reverted: [1, P.struct({ data: boundedBytes(P.U16BE, maxCallRevertBytes) })],
  failed: [2, P.struct({ error: wireError })],
})

const answers = P.validate(P.array(P.U8, answer), (list) => {
  if (list.length > maxReadsPerMessage) throw new RangeError(`more than ${maxReadsPerMessage} answers`)
  return list
})

const readAnswers = whole(
  P.struct({ height: P.U64BE, freshMs: P.U32BE, answers }) as unknown as P.CoderType<ReadAnswers>,
)

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

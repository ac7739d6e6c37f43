import { fromRlp, RlpNonCanonicalError, RlpTrailingBytesError, toRlp } from 'viem'

/** RLP as the execution layer's specification has it (Ethereum yellow paper, appendix B), in its one canonical form. */
export type RlpItem = Uint8Array | RlpList
export type RlpList = readonly RlpItem[]

/** `malformed`: it ends too early or nests too deep. `nonCanonical`: readable, but not in the one form. */
export class RlpError extends Error {
  override readonly name = 'RlpError'
  readonly reason: 'malformed' | 'nonCanonical'
  constructor(reason: RlpError['reason']) {
    super(`RLP is ${reason}.`)
    this.reason = reason
  }
}

/**
 * Reads one item that has to fill the input.
 *
 * @throws RlpError
 */
export function decodeRlp(input: Uint8Array): RlpItem {
  try {
    return fromRlp(input, 'bytes') as RlpItem
  } catch (error) {
    // viem's own text may quote the input: only the kind goes on.
    const readable = error instanceof RlpNonCanonicalError || error instanceof RlpTrailingBytesError
    throw new RlpError(readable ? 'nonCanonical' : 'malformed')
  }
}

export function encodeRlp(item: RlpItem): Uint8Array {
  return toRlp(item as Parameters<typeof toRlp>[0] & RlpItem, 'bytes') as Uint8Array
}

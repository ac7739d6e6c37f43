import { fromBytes, NonCanonicalError, toBytes } from 'ox/Rlp'

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
  let item: RlpItem
  let encoded: Uint8Array
  try {
    item = toBytes(input)
    encoded = encodeRlp(item)
  } catch (error) {
    // ox's own text may quote the input: only the kind goes on.
    throw new RlpError(error instanceof NonCanonicalError ? 'nonCanonical' : 'malformed')
  }
  const read = Buffer.compare(encoded, input.subarray(0, encoded.length)) === 0
  if (read && encoded.length === input.length) return item
  // ox leaves what follows the item, and reads past the end of a list.
  throw new RlpError(read ? 'nonCanonical' : 'malformed')
}

export function encodeRlp(item: RlpItem): Uint8Array {
  return fromBytes(item as Parameters<typeof fromBytes>[0])
}

import { VeilcastError } from '@veilcast/shared/errors'
import { type ChainId, type TxId, toTxId } from '@veilcast/shared/protocol'
import { concatBytes } from './concatBytes.ts'
import { keccak256 } from './hashes/keccak256.ts'
import { sha256 } from './hashes/sha256.ts'
import { bytesToHex } from './hex.ts'
import { countRlpItems, type RlpItem, readRlpItem } from './rlp.ts'

export type ChainFamily = 'evm' | 'cosmos'

/** @throws VeilcastError `invalidArgument` for a namespace that is neither `eip155` nor `cosmos` */
export function familyOf(chain: ChainId): ChainFamily {
  if (chain.startsWith('eip155:')) return 'evm'
  if (chain.startsWith('cosmos:')) return 'cosmos'
  throw new VeilcastError('invalidArgument', { details: 'chain: its namespace is eip155 or cosmos.' })
}

/**
 * The chain's own hash of a signed transaction. EVM: keccak256 of the envelope, of a type 3 without its sidecars (EIP-4844).
 * Cosmos: SHA-256 of TxRaw.
 * @throws VeilcastError `malformedTransaction` for EVM bytes that are no signed transaction
 */
export function computeTxId(chain: ChainId, signedTx: Uint8Array): TxId {
  return toTxId(familyOf(chain) === 'cosmos' ? sha256(signedTx) : keccak256(canonicalEnvelope(signedTx)))
}

/** As the chain's explorers write it: EVM 0x and lower case, Cosmos upper case. */
export function formatTxId(family: ChainFamily, txId: Uint8Array): string {
  const hex = bytesToHex(txId)
  return family === 'evm' ? `0x${hex}` : hex.toUpperCase()
}

/** Fields of a signed transaction by its type; the unsigned ones have three fewer (legacy with EIP-155: as many). */
const signedFields: Readonly<Record<number, number>> = { 0: 9, 1: 11, 2: 12, 3: 14, 4: 13 }

function canonicalEnvelope(signedTx: Uint8Array): Uint8Array {
  const first = signedTx[0] ?? 0
  const type = first < 0xc0 ? first : 0
  // Types of single chains (Celo's 0x7b, say) are hashed as they are: the broadcaster knows whether it takes them.
  if (first !== 0 && first < 0xc0 && signedFields[type] === undefined) return signedTx
  try {
    const outer = readRlpItem(signedTx, first < 0xc0 ? 1 : 0)
    if (!outer.isList || outer.end !== signedTx.length) throw new RangeError('no list, or bytes after it')
    const body = type === 3 ? blobBody(signedTx, outer) : outer
    if (countRlpItems(signedTx, body) !== signedFields[type] || first === 0) {
      throw new RangeError('wrong number of fields')
    }
    return body === outer ? signedTx : concatBytes(Uint8Array.of(3), signedTx.subarray(body.from, body.end))
  } catch {
    throw new VeilcastError('malformedTransaction', {
      details: `signedTx: no signed transaction of type ${type}. Is it unsigned, or cut off?`,
    })
  }
}

/** In the network form the first item is the body and the sidecars follow; else the list is the body. */
function blobBody(signedTx: Uint8Array, outer: RlpItem): RlpItem {
  const first = readRlpItem(signedTx, outer.payload, outer.end)
  return first.isList ? first : outer
}

import { toBase64 } from './base64.ts'
import { bytesOf, numberOf, readFields, textOf } from './protobuf.ts'

export interface Signer {
  /** secp256k1, compressed, in base64. */
  readonly publicKey: string
  /** That the transaction uses. */
  readonly sequence: bigint
}

/** Who signed a TxRaw, if it was one secp256k1 key, in order; undefined for anything else. */
export function readSigner(signedTx: Uint8Array): Signer | undefined {
  try {
    const raw = readFields(signedTx)
    const isUnordered = numberOf(readFields(bytesOf(raw, 1)), 4) !== 0n
    const signers = readFields(bytesOf(raw, 2)).filter(({ number }) => number === 1)
    const only = signers[0]?.value
    if (isUnordered || signers.length !== 1 || !(only instanceof Uint8Array)) return undefined
    const info = readFields(only)
    const publicKey = readPublicKey(bytesOf(info, 1))
    return publicKey ? { publicKey, sequence: numberOf(info, 3) } : undefined
  } catch {
    return undefined
  }
}

export const secp256k1Key = '/cosmos.crypto.secp256k1.PubKey'

/** Of an Any, in base64; undefined for other kinds. @throws RangeError */
export function readPublicKey(any: Uint8Array): string | undefined {
  const fields = readFields(any)
  return textOf(fields, 1) === secp256k1Key ? toBase64(bytesOf(readFields(bytesOf(fields, 2)), 1)) : undefined
}

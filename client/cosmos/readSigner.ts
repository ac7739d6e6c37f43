import { ripemd160 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesOf, numberOf, readFields, textOf } from './protobuf.ts'

export interface Signer {
  /** The 32 characters of an address between its prefix and its checksum. */
  readonly address: string
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
    const publicKey = readFields(bytesOf(info, 1))
    const key = bytesOf(readFields(bytesOf(publicKey, 2)), 1)
    if (textOf(publicKey, 1) !== '/cosmos.crypto.secp256k1.PubKey' || key.length !== 33) return undefined
    return { address: toBech32(ripemd160(sha256(key))), sequence: numberOf(info, 3) }
  } catch {
    return undefined
  }
}

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

/** 20 bytes, five bits to the character, without prefix and checksum (BIP-173). */
function toBech32(hash: Uint8Array): string {
  let bits = 0n
  for (const byte of hash) bits = (bits << 8n) | BigInt(byte)
  let text = ''
  for (let shift = 155n; shift >= 0n; shift -= 5n) text += alphabet[Number((bits >> shift) & 31n)]
  return text
}

const checksumChars = 6

/** Of an address with any prefix. */
export function withoutPrefix(address: string): string {
  return address.slice(address.lastIndexOf('1') + 1, -checksumChars)
}

import { keccak_256 } from '@noble/hashes/sha3.js'
import { wireError } from '@veilcast/shared/errors'
import { numberToBytes } from 'viem'
import { TransactionRefused } from '../ChainAdapter.ts'
import { checkSidecars } from './checkSidecars.ts'
import type { AccessListEntry, Authorization, EvmTransaction } from './EvmTransaction.ts'
import { halfOrder, recoverSender } from './recoverSender.ts'
import { decodeRlp, encodeRlp, RlpError, type RlpItem, type RlpList } from './rlp.ts'

export interface ParsedTransaction {
  readonly transaction: EvmTransaction
  /** The bytes that the transaction hash is taken of: for type 3 without its sidecars. */
  readonly envelope: Uint8Array
}

/**
 * Parses hostile bytes as a signed transaction in its canonical encoding, and recovers its sender.
 *
 * @throws TransactionRefused
 */
export function parseTransaction(signedTx: Uint8Array): ParsedTransaction {
  try {
    return parse(signedTx)
  } catch (error) {
    if (error instanceof RlpError) {
      throw refused(error.reason === 'malformed' ? 'malformedTransaction' : 'nonCanonicalTransaction')
    }
    throw error
  }
}

function parse(signedTx: Uint8Array): ParsedTransaction {
  const first = signedTx[0]
  if (first === undefined) throw malformed()
  if (first >= 0xc0) return { transaction: parseLegacy(listOf(decodeRlp(signedTx))), envelope: signedTx }
  if (first > 0x7f) throw malformed()
  if (first === 3) return parseBlobs(listOf(decodeRlp(signedTx.subarray(1))))
  const read = typed[first]
  if (!read) throw new TransactionRefused(wireError('unsupportedTransactionType', { type: first }))
  return { transaction: read(listOf(decodeRlp(signedTx.subarray(1)))), envelope: signedTx }
}

const typed: Readonly<Record<number, (list: RlpList) => EvmTransaction>> = {
  1: parseAccessListTransaction,
  2: parseDynamicFeeTransaction,
  4: parseSetCodeTransaction,
}

/** EIP-155 */
function parseLegacy(list: RlpList): EvmTransaction {
  const [nonce, gasPrice, gas, to, value, data, v, r, s] = exactly(9, list)
  const signatureV = uint(v, 256)
  if (signatureV === 27n || signatureV === 28n) throw refused('unprotectedTransaction')
  if (signatureV < 35n) throw refused('invalidSignature')
  const chainId = (signatureV - 35n) / 2n
  const zero = new Uint8Array()
  const signed = chainId === 0n ? zero : numberToBytes(chainId)
  const digest = keccak_256(encodeRlp([...list.slice(0, 6), signed, zero, zero]))
  const price = uint(gasPrice, 256)
  return {
    ...none,
    type: 0,
    chainId,
    nonce: nonceOf(nonce),
    maxFeePerGas: price,
    maxPriorityFeePerGas: price,
    gas: uint(gas, 64),
    to: addressOrNull(to),
    value: uint(value, 256),
    data: bytesOf(data),
    sender: senderOf(digest, (signatureV - 35n) % 2n, r, s),
  }
}

/** EIP-2930 */
function parseAccessListTransaction(list: RlpList): EvmTransaction {
  const [chainId, nonce, gasPrice, gas, to, value, data, accessList, yParity, r, s] = exactly(11, list)
  const price = uint(gasPrice, 256)
  return {
    ...none,
    type: 1,
    chainId: uint(chainId, 256),
    nonce: nonceOf(nonce),
    maxFeePerGas: price,
    maxPriorityFeePerGas: price,
    gas: uint(gas, 64),
    to: addressOrNull(to),
    value: uint(value, 256),
    data: bytesOf(data),
    accessList: accessListOf(accessList),
    sender: senderOf(signingDigest(1, list), uint(yParity, 8), r, s),
  }
}

/** EIP-1559 */
function parseDynamicFeeTransaction(list: RlpList): EvmTransaction {
  const [, , , , , , , , , yParity, r, s] = exactly(12, list)
  return {
    ...none,
    type: 2,
    ...dynamicFeeFields(list),
    sender: senderOf(signingDigest(2, list), uint(yParity, 8), r, s),
  }
}

/** EIP-7702: it cannot create a contract, and has at least one authorization. */
function parseSetCodeTransaction(list: RlpList): EvmTransaction {
  const [, , , , , , , , , authorizations, yParity, r, s] = exactly(13, list)
  const fields = dynamicFeeFields(list)
  const entries = listOf(authorizations).map(authorizationOf)
  if (fields.to === null || entries.length === 0) throw malformed()
  return {
    ...none,
    type: 4,
    ...fields,
    authorizations: entries,
    sender: senderOf(signingDigest(4, list), uint(yParity, 8), r, s),
  }
}

/**
 * EIP-4844: an envelope with its sidecars around it, `[envelope, blobs, commitments, proofs]`, or as EIP-7594 has it
 * `[envelope, 1, blobs, commitments, cell proofs]`.
 */
function parseBlobs(wrapper: RlpList): ParsedTransaction {
  if (wrapper[0] instanceof Uint8Array) {
    parseBlobTransaction(wrapper)
    throw refused('blobSidecarMissing')
  }
  const list = listOf(wrapper[0])
  const transaction = parseBlobTransaction(list)
  const sidecars = wrapper.slice(1)
  const version = sidecars.length === 4 ? uint(sidecars.shift(), 8) : 0n
  const [blobs, commitments, proofs] = sidecars.map((item) => listOf(item).map((inner) => bytesOf(inner)))
  if (sidecars.length !== 3 || !blobs || !commitments || !proofs || version !== BigInt(wrapper.length - 4)) {
    throw malformed()
  }
  if (!checkSidecars({ blobs, commitments, proofs, version }, transaction.blobVersionedHashes))
    throw malformed()
  return { transaction, envelope: Buffer.concat([Uint8Array.of(3), encodeRlp(list)]) }
}

function parseBlobTransaction(list: RlpList): EvmTransaction {
  const [, , , , , , , , , maxFeePerBlobGas, hashes, yParity, r, s] = exactly(14, list)
  const fields = dynamicFeeFields(list)
  const blobVersionedHashes = listOf(hashes).map((item) => bytesOf(item, 32))
  if (fields.to === null || blobVersionedHashes.length === 0) throw malformed()
  return {
    ...none,
    type: 3,
    ...fields,
    maxFeePerBlobGas: uint(maxFeePerBlobGas, 256),
    blobVersionedHashes,
    sender: senderOf(signingDigest(3, list), uint(yParity, 8), r, s),
  }
}

/** The nine fields that types 2, 3 and 4 begin with. */
function dynamicFeeFields(list: RlpList) {
  const [chainId, nonce, maxPriorityFee, maxFee, gas, to, value, data, accessList] = list
  const maxPriorityFeePerGas = uint(maxPriorityFee, 256)
  const maxFeePerGas = uint(maxFee, 256)
  if (maxPriorityFeePerGas > maxFeePerGas) throw malformed()
  return {
    chainId: uint(chainId, 256),
    nonce: nonceOf(nonce),
    maxPriorityFeePerGas,
    maxFeePerGas,
    gas: uint(gas, 64),
    to: addressOrNull(to),
    value: uint(value, 256),
    data: bytesOf(data),
    accessList: accessListOf(accessList),
  }
}

const none = {
  accessList: [],
  authorizations: [],
  maxFeePerBlobGas: 0n,
  blobVersionedHashes: [],
} as const

function accessListOf(item: RlpItem | undefined): AccessListEntry[] {
  return listOf(item).map((entry) => {
    const [address, storageKeys] = exactly(2, listOf(entry))
    return {
      address: bytesOf(address, 20),
      storageKeys: listOf(storageKeys).map((key) => bytesOf(key, 32)),
    }
  })
}

function authorizationOf(item: RlpItem): Authorization {
  const [chainId, address, nonce, yParity, r, s] = exactly(6, listOf(item))
  return {
    chainId: uint(chainId, 256),
    address: bytesOf(address, 20),
    nonce: uint(nonce, 64),
    yParity: uint(yParity, 8),
    r: uint(r, 256),
    s: uint(s, 256),
  }
}

/** Types 1 to 4 sign their type and all fields but the last three. */
function signingDigest(type: number, list: RlpList): Uint8Array {
  return keccak_256(Buffer.concat([Uint8Array.of(type), encodeRlp(list.slice(0, -3))]))
}

function senderOf(
  digest: Uint8Array,
  yParity: bigint,
  rItem: RlpItem | undefined,
  sItem: RlpItem | undefined,
): Uint8Array {
  const r = uint(rItem, 256)
  const s = uint(sItem, 256)
  if (yParity > 1n) throw refused('invalidSignature')
  const sender = recoverSender(digest, r, s, yParity === 0n ? 0 : 1)
  if (!sender) throw refused('invalidSignature')
  // EIP-2: the other half signs the same, under another hash.
  if (s > halfOrder) throw refused('nonCanonicalTransaction')
  return sender
}

function exactly(count: number, list: RlpList): readonly RlpItem[] {
  if (list.length !== count) throw malformed()
  return list
}

function listOf(item: RlpItem | undefined): RlpList {
  if (item === undefined || item instanceof Uint8Array) throw malformed()
  return item
}

function bytesOf(item: RlpItem | undefined, length?: number): Uint8Array {
  if (!(item instanceof Uint8Array) || (length !== undefined && item.length !== length)) throw malformed()
  return item
}

function addressOrNull(item: RlpItem | undefined): Uint8Array | null {
  const bytes = bytesOf(item)
  if (bytes.length === 0) return null
  if (bytes.length !== 20) throw malformed()
  return bytes
}

function uint(item: RlpItem | undefined, bits: 8 | 64 | 256): bigint {
  const bytes = bytesOf(item)
  if (bytes[0] === 0) throw refused('nonCanonicalTransaction')
  if (bytes.length * 8 > bits) throw malformed()
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** EIP-2681: 2^64 - 1 is no nonce of a transaction. */
function nonceOf(item: RlpItem | undefined): bigint {
  const nonce = uint(item, 64)
  if (nonce === 0xffff_ffff_ffff_ffffn) throw malformed()
  return nonce
}

function malformed(): TransactionRefused {
  return refused('malformedTransaction')
}

function refused(
  name:
    | 'malformedTransaction'
    | 'nonCanonicalTransaction'
    | 'invalidSignature'
    | 'unprotectedTransaction'
    | 'blobSidecarMissing',
): TransactionRefused {
  return new TransactionRefused(wireError(name))
}

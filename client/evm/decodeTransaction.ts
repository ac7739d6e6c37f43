import { concatBytes } from '../concatBytes.ts'
import { keccak256 } from '../hashes/keccak256.ts'
import { readRlpItem } from '../rlp.ts'
import { encodeRlp, type RlpValue } from './encodeRlp.ts'
import { numberToBytes } from './numberToBytes.ts'
import { toBigInt, toHex, toQuantity } from './quantity.ts'
import { recoverSender } from './recoverSender.ts'

/** What a signed transaction says of itself. */
export interface DecodedTransaction {
  /** In lower case. */
  readonly from: `0x${string}`
  readonly nonce: bigint
  /** As a node writes a transaction that is in no block. */
  readonly json: Readonly<Record<string, unknown>>
}

/** Fields before the signature, by type, in the order of the envelope. Sources: EIP-155, 2930, 1559, 4844, 7702. */
const fields: Readonly<Record<number, readonly string[]>> = {
  0: ['nonce', 'gasPrice', 'gas', 'to', 'value', 'input'],
  1: ['chainId', 'nonce', 'gasPrice', 'gas', 'to', 'value', 'input', 'accessList'],
  2: [
    'chainId',
    'nonce',
    'maxPriorityFeePerGas',
    'maxFeePerGas',
    'gas',
    'to',
    'value',
    'input',
    'accessList',
  ],
  3: [
    ...['chainId', 'nonce', 'maxPriorityFeePerGas', 'maxFeePerGas', 'gas', 'to', 'value', 'input'],
    ...['accessList', 'maxFeePerBlobGas', 'blobVersionedHashes'],
  ],
  4: [
    ...['chainId', 'nonce', 'maxPriorityFeePerGas', 'maxFeePerGas', 'gas', 'to', 'value', 'input'],
    ...['accessList', 'authorizationList'],
  ],
}

/**
 * Reads a signed transaction, so that a wallet that asks for the one it has just sent is answered without a message.
 * @param hash as computed by `computeTxId`, which has checked the form
 * @returns undefined for a type of a single chain, or what is signed by nobody
 */
export function decodeTransaction(signedTx: Uint8Array, hash: string): DecodedTransaction | undefined {
  const first = signedTx[0] ?? 0
  const type = first < 0xc0 ? first : 0
  const names = fields[type]
  if (!names) return undefined
  try {
    const outer = decodeList(signedTx, type === 0 ? 0 : 1)
    // With its sidecars the body is the first item.
    const body = type === 3 && isList(outer[0]) ? outer[0] : outer
    const unsigned = body.slice(0, names.length)
    const [v, r, s] = body.slice(names.length).map((item) => (isList(item) ? 0n : toBigInt(item)))
    if (v === undefined || r === undefined || s === undefined || body.length !== names.length + 3)
      return undefined

    const chainId = type === 0 && v >= 35n ? (v - 35n) / 2n : undefined
    const yParity = type !== 0 ? v : v >= 35n ? (v - 35n) % 2n : v - 27n
    const payload =
      type === 0
        ? encodeRlp(
            chainId === undefined
              ? unsigned
              : [...unsigned, integer(chainId), new Uint8Array(), new Uint8Array()],
          )
        : concatBytes(Uint8Array.of(type), encodeRlp(unsigned))
    const from = recoverSender(keccak256(payload), { r, s, yParity })
    if (!from) return undefined

    const json: Record<string, unknown> = {}
    for (const [index, name] of names.entries()) json[name] = writeField(name, unsigned[index] as RlpValue)
    if (chainId !== undefined) json.chainId = toQuantity(chainId)
    json.gasPrice ??= json.maxFeePerGas
    return {
      from,
      nonce: BigInt(json.nonce as string),
      json: {
        ...json,
        hash,
        from,
        type: toQuantity(type),
        blockHash: null,
        blockNumber: null,
        transactionIndex: null,
        r: toHex(numberToBytes(r, 32)),
        s: toHex(numberToBytes(s, 32)),
        v: toQuantity(v),
        ...(type === 0 ? {} : { yParity: toQuantity(v) }),
      },
    }
  } catch {
    return undefined
  }
}

function writeField(name: string, value: RlpValue): unknown {
  switch (name) {
    case 'to':
      return (value as Uint8Array).length === 0 ? null : toHex(value as Uint8Array)
    case 'input':
      return toHex(value as Uint8Array)
    case 'blobVersionedHashes':
      return (value as Uint8Array[]).map(toHex)
    case 'accessList':
      return (value as [Uint8Array, Uint8Array[]][]).map(([address, keys]) => ({
        address: toHex(address),
        storageKeys: keys.map(toHex),
      }))
    case 'authorizationList':
      return (value as Uint8Array[][]).map(([chainId, address, nonce, yParity, r, s]) => ({
        chainId: quantityOf(chainId),
        address: toHex(address ?? new Uint8Array()),
        nonce: quantityOf(nonce),
        yParity: quantityOf(yParity),
        r: quantityOf(r),
        s: quantityOf(s),
      }))
    default:
      return quantityOf(value as Uint8Array)
  }
}

function quantityOf(bytes: Uint8Array = new Uint8Array()): string {
  return toQuantity(toBigInt(bytes))
}

function integer(value: bigint): Uint8Array {
  return numberToBytes(value, Math.ceil(value.toString(16).length / 2))
}

/** Deeper than an access list no transaction goes. */
const maxDepth = 8

function decodeList(bytes: Uint8Array, from: number): readonly RlpValue[] {
  const value = decode(bytes, from, bytes.length, 0).value
  if (!isList(value)) throw new RangeError('no list')
  return value
}

function decode(
  bytes: Uint8Array,
  from: number,
  limit: number,
  depth: number,
): { value: RlpValue; end: number } {
  if (depth > maxDepth) throw new RangeError('too deep')
  const item = readRlpItem(bytes, from, limit)
  if (!item.isList) return { value: bytes.slice(item.payload, item.end), end: item.end }
  const value: RlpValue[] = []
  for (let at = item.payload; at < item.end; ) {
    const next = decode(bytes, at, item.end, depth + 1)
    value.push(next.value)
    at = next.end
  }
  return { value, end: item.end }
}

function isList(value: RlpValue | undefined): value is readonly RlpValue[] {
  return Array.isArray(value)
}

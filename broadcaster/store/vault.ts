import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { ChainId, RequestId } from '@veilcast/shared/protocol'
import type { Mac, TxKey } from './TxStore.ts'

/** Everything that is derived from the key file. Without it a dump of the store says nothing about who sent what. */
/** By what a record is found that was made under a key file of before. */
export type FormerNames = Pick<Vault, 'keyOf' | 'requestMac'>

export interface Vault {
  /** While somebody may ask by what was named before a rotation (transfer/rotateKey.ts). */
  readonly former?: FormerNames
  /** Tells key files apart, and says nothing else of this one. */
  readonly fingerprint: string
  /** HMAC(K, chain | SHA-256(all bytes)): the job id, the log id. */
  keyOf(chain: ChainId, signedTx: Uint8Array): TxKey
  txIdMac(chain: ChainId, txId: Uint8Array): Mac
  laneMac(chain: ChainId, account: Uint8Array): Mac
  requestMac(id: RequestId): Mac
  /**
   * A nonce or sequence as the store sees it: shifted by a secret of its lane, modulo 2^64. Neighbours stay neighbours; the
   * number itself, which beside a block would name the transaction, is not told.
   */
  hideSequence(lane: Mac, sequence: bigint): bigint
  showSequence(lane: Mac, hidden: bigint): bigint
  /** AES-256-GCM under a fresh nonce, bound to the record and the field: a sealed value moved elsewhere does not open. */
  seal(bytes: Uint8Array, key: TxKey, field: SealedField): Uint8Array
  /** @throws Error when it was sealed under another key, for another place, or changed */
  open(sealed: Uint8Array, key: TxKey, field: SealedField): Uint8Array
}

export type SealedField = 'bytes' | 'txId' | 'detail'

const nonceBytes = 12
const tagBytes = 16

/**
 * @param secret the key file's 32 bytes
 * @param former those of the key file before it, while it is kept
 */
export function createVault(secret: Uint8Array, former?: Uint8Array): Vault {
  if (secret.length !== 32) throw new RangeError(`The key file holds 32 bytes, not ${secret.length}.`)
  const macKey = Buffer.from(hkdfSync('sha256', secret, '', 'veilcast record mac v1', 32))
  const sealKey = Buffer.from(hkdfSync('sha256', secret, '', 'veilcast record seal v1', 32))

  const mac = (domain: string, chain: string, data: Uint8Array): string =>
    base32(createHmac('sha256', macKey).update(`${domain}\0${chain}\0`).update(data).digest().subarray(0, 16))
  const shift = (lane: Mac): bigint =>
    createHmac('sha256', macKey).update('sequence\0\0').update(lane).digest().readBigUInt64BE()
  const place = (key: TxKey, field: SealedField): Buffer => Buffer.from(`${field}\0${key}`)

  return {
    ...(former === undefined ? {} : { former: createVault(former) }),
    fingerprint: mac('fingerprint', '', new Uint8Array()),
    keyOf: (chain, signedTx) => mac('key', chain, createHash('sha256').update(signedTx).digest()) as TxKey,
    txIdMac: (chain, txId) => mac('txId', chain, txId) as Mac,
    laneMac: (chain, account) => mac('lane', chain, account) as Mac,
    requestMac: (id) => mac('request', '', id) as Mac,
    hideSequence: (lane, sequence) => BigInt.asUintN(64, sequence + shift(lane)),
    showSequence: (lane, hidden) => BigInt.asUintN(64, hidden - shift(lane)),
    seal(bytes, key, field) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce).setAAD(place(key, field))
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, key, field) {
      const end = sealed.length - tagBytes
      if (end < nonceBytes) throw new RangeError('A sealed value is shorter than its nonce and tag.')
      const decipher = createDecipheriv('aes-256-gcm', sealKey, sealed.subarray(0, nonceBytes))
        .setAAD(place(key, field))
        .setAuthTag(sealed.subarray(end))
      return new Uint8Array(
        Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]),
      )
    },
  }
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

function base32(bytes: Uint8Array): string {
  let bits = 0
  let value = 0
  let text = ''
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >> bits) & 31]
    }
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}

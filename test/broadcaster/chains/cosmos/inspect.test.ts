import { describe, expect, it } from '@jest/globals'
import { catalogue, type ErrorName, errorNameOf } from '@veilcast/shared/errors'
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import fc from 'fast-check'
import { TransactionRefused } from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import { inspect } from '../../../../broadcaster/dist/chains/cosmos/inspect.js'
import { CosmosKey, signCosmosTx, txBytes, txHash } from '../../../support/cosmosTx.ts'

const limits = { maxTransactionBytes: 65_536, maxSigners: 7 }
const key = new CosmosKey('inspect')

function refusalOf(bytes: Uint8Array): ErrorName | undefined {
  try {
    inspect(bytes, limits)
    return undefined
  } catch (error) {
    if (!(error instanceof TransactionRefused)) throw error
    expect(error.error.outcome).toBe('notSent')
    return errorNameOf(error.error.number)
  }
}

function concat(...parts: (Uint8Array | number[])[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Uint8Array.from(part)))
}

describe('inspect', () => {
  const signed = signCosmosTx({ key, sequence: 5n })
  const bytes = txBytes(signed)

  it('default: names the transaction by SHA-256 of TxRaw, its account by the key, and keeps the bytes', () => {
    const tx = inspect(bytes, limits)
    expect(Buffer.from(tx.txId).toString('hex')).toBe(txHash(bytes))
    expect(Buffer.from(tx.account!)).toEqual(Buffer.from(key.publicKey))
    expect(tx.sequence).toBe(5n)
    expect(tx.signedTx).toBe(bytes)
  })

  it('behavior: refuses every other encoding of the same transaction', () => {
    const length = signed.bodyBytes.length
    expect(length).toBeGreaterThan(127)
    const body = concat([0x0a], varint(length), signed.bodyBytes)
    const rest = bytes.subarray(body.length)
    expect(concat(body, rest)).toEqual(Buffer.from(bytes))

    expect(refusalOf(concat(bytes, [0x20, 0x01]))).toBe('nonCanonicalTransaction')
    expect(refusalOf(concat(bytes, [0x22, 0x00]))).toBe('nonCanonicalTransaction')
    expect(refusalOf(concat(rest, body))).toBe('nonCanonicalTransaction')
    expect(refusalOf(concat(body, body, rest))).toBe('nonCanonicalTransaction')
    const longVarint = [(length & 0x7f) | 0x80, (length >> 7) | 0x80, 0x00]
    expect(refusalOf(concat([0x0a], longVarint, signed.bodyBytes, rest))).toBe('nonCanonicalTransaction')
    expect(refusalOf(concat([0x8a, 0x00], varint(length), signed.bodyBytes, rest))).toBe(
      'nonCanonicalTransaction',
    )
  })

  it('behavior: refuses what is no signed transaction', () => {
    expect(refusalOf(new Uint8Array())).toBe('malformedTransaction')
    expect(refusalOf(Uint8Array.from({ length: 200 }, (_, index) => index))).toBe('malformedTransaction')
    expect(refusalOf(bytes.subarray(0, bytes.length - 1))).toBe('malformedTransaction')
    expect(refusalOf(concat(bytes, [0x00]))).toBe('malformedTransaction')
    expect(refusalOf(txBytes({ ...signed, bodyBytes: new Uint8Array() }))).toBe('malformedTransaction')
    expect(refusalOf(txBytes({ ...signed, authInfoBytes: new Uint8Array() }))).toBe('malformedTransaction')
    expect(refusalOf(txBytes(signCosmosTx({ key, body: { messages: [] } })))).toBe('malformedTransaction')
  })

  it('behavior: refuses signatures that cannot be', () => {
    expect(refusalOf(txBytes({ ...signed, signatures: [] }))).toBe('invalidSignature')
    expect(refusalOf(txBytes({ ...signed, signatures: [new Uint8Array()] }))).toBe('invalidSignature')
    expect(refusalOf(txBytes({ ...signed, signatures: [new Uint8Array(63)] }))).toBe('invalidSignature')
    expect(refusalOf(txBytes({ ...signed, signatures: [...signed.signatures, new Uint8Array(64)] }))).toBe(
      'invalidSignature',
    )
    const offCurve = concat([0x0a, 33, 2], new Uint8Array(32).fill(0xff))
    const publicKey = { typeUrl: '/cosmos.crypto.secp256k1.PubKey', value: offCurve }
    expect(refusalOf(txBytes(signCosmosTx({ key, signer: { publicKey } })))).toBe('invalidSignature')
  })

  it('behavior: bounds size and signers', () => {
    const long = txBytes(signCosmosTx({ key, body: { memo: 'm'.repeat(65_536) } }))
    expect(() => inspect(long, limits)).toThrow(
      expect.objectContaining({
        error: expect.objectContaining({
          number: catalogue.transactionTooLarge.number,
          values: [65_536n, BigInt(long.length)],
        }),
      }),
    )
    const signerInfo = concat([0x0a, 0x04], [0x12, 0x02, 0x0a, 0x00])
    const fee = [0x12, 0x00]
    const crowd = {
      ...signed,
      authInfoBytes: concat(...Array.from({ length: 8 }, () => signerInfo), fee),
      signatures: Array.from({ length: 8 }, () => new Uint8Array(64).fill(1)),
    }
    expect(refusalOf(txBytes(crowd))).toBe('tooManySigners')
    const few = {
      ...crowd,
      authInfoBytes: concat(...Array.from({ length: 7 }, () => signerInfo), fee),
      signatures: crowd.signatures.slice(1),
    }
    expect(refusalOf(txBytes(few))).toBeUndefined()
  })

  it('behavior: an unordered transaction, and one without its key, have no place in an order', () => {
    const timeoutTimestamp = { seconds: 1_800_000_000n, nanos: 0 }
    const unordered = inspect(
      txBytes(signCosmosTx({ key, body: { unordered: true, timeoutTimestamp } })),
      limits,
    )
    expect([unordered.account, unordered.sequence]).toEqual([undefined, undefined])
    const keyless = inspect(txBytes(signCosmosTx({ key, keyless: true })), limits)
    expect([keyless.account, keyless.sequence]).toEqual([undefined, undefined])
  })

  it('behavior: keys of other kinds are accounts of their own, never one of a secp256k1 key', () => {
    const accounts = ['/cosmos.crypto.ed25519.PubKey', '/ethermint.crypto.v1.ethsecp256k1.PubKey'].map(
      (typeUrl) => {
        const publicKey = { typeUrl, value: concat([0x0a, 33], key.publicKey) }
        return Buffer.from(
          inspect(txBytes(signCosmosTx({ key, signer: { publicKey } })), limits).account!,
        ).toString('hex')
      },
    )
    expect(new Set([...accounts, Buffer.from(key.publicKey).toString('hex')]).size).toBe(3)
  })

  it('behavior: fields that a later SDK adds to the body are kept as they were signed', () => {
    const later = { ...signed, bodyBytes: concat(signed.bodyBytes, [0x30, 0x07]) }
    expect(refusalOf(txBytes(later))).toBeUndefined()
  })

  it('property: nothing but TransactionRefused comes out of it, whatever goes in', () => {
    const mutated = fc
      .tuple(
        fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 })), {
          maxLength: 8,
        }),
        fc.nat({ max: bytes.length }),
        fc.uint8Array({ maxLength: 16 }),
      )
      .map(([edits, cut, tail]) => {
        const copy = Uint8Array.from(bytes)
        for (const [index, value] of edits) copy[index] = value
        return concat(copy.subarray(0, cut), tail)
      })
    const wrapped = fc
      .tuple(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }), fc.uint8Array())
      .map(([bodyBytes, authInfoBytes, signature]) =>
        txBytes({ bodyBytes, authInfoBytes, signatures: [signature] }),
      )
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, wrapped), (input) => {
        if (refusalOf(input) !== undefined) return
        expect(Buffer.from(TxRaw.encode(TxRaw.decode(input)).finish())).toEqual(Buffer.from(input))
      }),
      { numRuns: 5_000 },
    )
  })

  it('behavior: nesting without end is refused, not followed', () => {
    // ModeInfo.multi.mode_infos of itself: each level wraps the one before in two fields.
    let modeInfo = Buffer.from([0x0a, 0x02, 0x08, 0x01])
    while (modeInfo.length < 60_000) {
      const inner = Buffer.concat([Buffer.from([0x12, ...varint(modeInfo.length)]), modeInfo])
      modeInfo = Buffer.concat([Buffer.from([0x12, ...varint(inner.length)]), inner])
    }
    const signerInfo = concat([0x12], varint(modeInfo.length), modeInfo)
    const authInfoBytes = concat([0x0a], varint(signerInfo.length), signerInfo, [0x12, 0x00])
    const deep = txBytes({ ...signed, authInfoBytes })
    expect([undefined, 'malformedTransaction']).toContain(refusalOf(deep))
  })
})

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

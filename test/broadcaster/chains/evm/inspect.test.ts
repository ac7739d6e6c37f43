import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { errorNameOf } from '@veilcast/shared/errors'
import * as fc from 'fast-check'
import {
  bytesToHex,
  concat,
  fromRlp,
  type Hex,
  hexToBytes,
  keccak256,
  parseTransaction,
  serializeTransaction,
  type TransactionSerializable,
  toRlp,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { TransactionRefused } from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import { inspect } from '../../../../broadcaster/dist/chains/evm/inspect.js'
import { recoverSender } from '../../../../broadcaster/dist/chains/evm/recoverSender.js'
import { fakeSidecars, transactionsFor } from '../../../support/evmTransactions.ts'

const chainId = 31337
const limits = { chainId: BigInt(chainId), maxTransactionBytes: 1_000_000, allowBlobs: true }
const account = privateKeyToAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')
const accounts = [account, ...Array.from({ length: 7 }, () => privateKeyToAccount(generatePrivateKey()))]
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const transfer = {
  type: 'eip1559',
  chainId,
  nonce: 5,
  to: '0x00000000000000000000000000000000000000a1',
  value: 10n,
  gas: 21_000n,
  maxFeePerGas: 10n ** 10n,
  maxPriorityFeePerGas: 10n ** 9n,
} as const

function refusal(signed: Hex | Uint8Array, more: Partial<typeof limits> = {}): string | undefined {
  try {
    inspect(typeof signed === 'string' ? hexToBytes(signed) : signed, { ...limits, ...more })
    return undefined
  } catch (error) {
    if (!(error instanceof TransactionRefused)) throw error
    return errorNameOf(error.error.number)
  }
}

/** The fields of a typed transaction, changed, and encoded again. */
function remade(signed: Hex, change: (fields: Hex[]) => unknown): Hex {
  const fields = fromRlp(`0x${signed.slice(4)}`) as Hex[]
  return concat([signed.slice(0, 4) as Hex, toRlp(change(fields) as Hex[])])
}

describe('inspect', () => {
  it('default: reads each type as viem writes it, and finds who signed it', async () => {
    await fc.assert(
      fc.asyncProperty(transactionsFor(chainId), async (transaction) => {
        const signer = accounts[(transaction.nonce ?? 0) % accounts.length]!
        const signed = await signer.signTransaction(transaction)
        const { txId, sequence, account, parsed } = inspect(hexToBytes(signed), limits)
        expect(bytesToHex(txId)).toBe(keccak256(signed))
        expect(bytesToHex(account!)).toBe(signer.address.toLowerCase())
        expect(sequence).toBe(BigInt(transaction.nonce ?? 0))
        expect(parsed.to === null ? undefined : bytesToHex(parsed.to)).toBe(transaction.to ?? undefined)
        expect(parsed.value).toBe(transaction.value)
        expect(parsed.gas).toBe(transaction.gas)
        expect(bytesToHex(parsed.data)).toBe(transaction.data)
        expect(parsed.maxFeePerGas).toBe(transaction.gasPrice ?? transaction.maxFeePerGas)
        expect(parsed.accessList.map(({ address }) => bytesToHex(address))).toEqual(
          (transaction.accessList ?? []).map(({ address }) => address),
        )
        expect(parsed.authorizations).toHaveLength(transaction.authorizationList?.length ?? 0)
      }),
      { numRuns: 100 },
    )
  })

  it('behavior: whatever it takes after a change is canonical still; all else is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        transactionsFor(chainId),
        fc.array(fc.record({ at: fc.nat(), cut: fc.nat(3), put: fc.uint8Array({ maxLength: 3 }) }), {
          minLength: 1,
          maxLength: 3,
        }),
        async (transaction, changes) => {
          let bytes = hexToBytes(await account.signTransaction(transaction))
          for (const { at, cut, put } of changes) {
            const from = at % bytes.length
            bytes = Uint8Array.from([...bytes.slice(0, from), ...put, ...bytes.slice(from + cut)])
          }
          if (bytes.length === 0 || refusal(bytes) !== undefined) return
          const hex = bytesToHex(bytes)
          const parsed = parseTransaction(hex as never) as TransactionSerializable
          expect(serializeTransaction(parsed, parsed as never)).toBe(hex)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('behavior: refuses each other encoding of the same transaction', async () => {
    const signed = await account.signTransaction(transfer)
    expect(refusal(signed)).toBeUndefined()
    expect(refusal(`${signed}00`)).toBe('nonCanonicalTransaction')
    expect(refusal(remade(signed, (fields) => fields.map((field, i) => (i === 6 ? '0x000a' : field))))).toBe(
      'nonCanonicalTransaction',
    )
    // A length of two digits where one would do.
    const list = hexToBytes(signed).slice(1)
    expect(list[0]).toBe(0xf8)
    expect(refusal(Uint8Array.from([2, 0xf9, 0, ...list.slice(1)]))).toBe('nonCanonicalTransaction')
    // A single byte below 0x80 with a prefix.
    const nonce = list.indexOf(5)
    const long = [...list.slice(2, nonce), 0x81, 5, ...list.slice(nonce + 1)]
    expect(refusal(Uint8Array.from([2, 0xf8, long.length, ...long]))).toBe('nonCanonicalTransaction')
    // The other half of s, which signs the same.
    const highS = remade(signed, (fields) => {
      const [yParity, r, s] = fields.slice(-3) as [Hex, Hex, Hex]
      const other = `0x${(order - BigInt(s)).toString(16).padStart(64, '0')}`
      return [...fields.slice(0, -3), yParity === '0x' ? '0x01' : '0x', r, other]
    })
    expect(refusal(highS)).toBe('nonCanonicalTransaction')
  })

  it('behavior: names what is wrong', async () => {
    const signed = await account.signTransaction(transfer)
    const changed = (index: number, value: Hex) =>
      refusal(remade(signed, (fields) => fields.map((field, i) => (i === index ? value : field))))
    expect(refusal(await account.signTransaction({ ...transfer, chainId: 1 }))).toBe('wrongChainId')
    expect(refusal(signed, { maxTransactionBytes: 50 })).toBe('transactionTooLarge')
    expect(refusal('0x05c0')).toBe('unsupportedTransactionType')
    expect(refusal('0x00c0')).toBe('unsupportedTransactionType')
    expect(refusal('0x80')).toBe('malformedTransaction')
    expect(refusal('0xc0')).toBe('malformedTransaction')
    expect(refusal('0x02')).toBe('malformedTransaction')
    expect(refusal(signed.slice(0, -2) as Hex)).toBe('malformedTransaction')
    expect(refusal(serializeTransaction(transfer))).toBe('malformedTransaction')
    expect(changed(1, '0xffffffffffffffff')).toBe('malformedTransaction')
    expect(changed(4, '0x010000000000000000')).toBe('malformedTransaction')
    expect(changed(5, '0x01')).toBe('malformedTransaction')
    expect(changed(2, '0xffffffffffffffff')).toBe('malformedTransaction')
    expect(changed(9, '0x02')).toBe('invalidSignature')
    expect(changed(10, '0x')).toBe('invalidSignature')
    expect(changed(11, `0x${order.toString(16)}`)).toBe('invalidSignature')
    const { chainId: _, type: __, maxFeePerGas, maxPriorityFeePerGas, ...legacy } = transfer
    const unprotected = await account.signTransaction({ ...legacy, type: 'legacy', gasPrice: maxFeePerGas })
    expect(refusal(unprotected)).toBe('unprotectedTransaction')
    const protectedOne = { ...legacy, type: 'legacy', gasPrice: maxPriorityFeePerGas, chainId: 1 } as const
    expect(refusal(await account.signTransaction(protectedOne))).toBe('wrongChainId')
  })

  it('behavior: lists nested too deep or too many end early', () => {
    let deep: Uint8Array = Uint8Array.of(0xc0)
    for (let i = 0; i < 50; i++) deep = Uint8Array.of(0xc0 + deep.length, ...deep)
    expect(refusal(deep)).toBe('malformedTransaction')
    const many = new Uint8Array(900_000).fill(0xc0)
    expect(refusal(Uint8Array.from([0xfa, 0x0d, 0xbb, 0xa0, ...many]))).toBe('malformedTransaction')
  })

  describe('blob transactions', () => {
    const { sidecars, hashes } = fakeSidecars(2)
    const blobs = { ...transfer, type: 'eip4844', blobVersionedHashes: hashes, maxFeePerBlobGas: 7n } as const

    it('default: the hash is that of the envelope without its sidecars', async () => {
      const full = await account.signTransaction({ ...blobs, sidecars })
      const bare = await account.signTransaction({ ...blobs, sidecars: false } as never)
      expect(full.length).toBeGreaterThan(2 * 131_072 * 2)
      const { txId, account: sender, parsed } = inspect(hexToBytes(full), limits)
      expect(bytesToHex(txId)).toBe(keccak256(bare))
      expect(bytesToHex(sender!)).toBe(account.address.toLowerCase())
      expect(parsed.blobVersionedHashes.map((hash) => bytesToHex(hash))).toEqual(hashes)
      expect(parsed.maxFeePerBlobGas).toBe(7n)

      expect(refusal(bare)).toBe('blobSidecarMissing')
      expect(refusal(full, { allowBlobs: false })).toBe('unsupportedTransactionType')
      expect(refusal(full, { maxTransactionBytes: 131_072 })).toBe('transactionTooLarge')
    })

    it('behavior: sidecars that do not fit the hashes are refused, cell proofs are taken', async () => {
      const full = await account.signTransaction({ ...blobs, sidecars })
      type Wrapper = [Hex[], Hex[], Hex[], Hex[]]
      const changed = (change: (wrapper: Wrapper) => unknown) =>
        refusal(remade(full, (fields) => change(fields as unknown as Wrapper)))
      expect(changed((wrapper) => wrapper)).toBeUndefined()
      expect(changed(([tx, b, c, p]) => [tx, b, [...c].reverse(), p])).toBe('malformedTransaction')
      expect(changed(([tx, b, c, p]) => [tx, b.slice(1), c, p])).toBe('malformedTransaction')
      expect(changed(([tx, b, c, p]) => [tx, b, c, [p[0], '0x01']])).toBe('malformedTransaction')
      expect(changed(([tx, b, c, p]) => [tx, [`${b[0]}00`, b[1]], c, p])).toBe('malformedTransaction')
      expect(changed(([tx, b, c]) => [tx, b, c])).toBe('malformedTransaction')
      const cells = Array<Hex>(256).fill(sidecars[0]!.proof)
      expect(changed(([tx, b, c]) => [tx, '0x01', b, c, cells])).toBeUndefined()
      expect(changed(([tx, b, c, p]) => [tx, '0x01', b, c, p])).toBe('malformedTransaction')
      expect(changed(([tx, b, c]) => [tx, '0x02', b, c, cells])).toBe('malformedTransaction')
    })
  })

  it('behavior: where secp256k1 has no native part, its JavaScript finds the same sender', () => {
    const requireHere = createRequire(__filename)
    const plain = requireHere('secp256k1/elliptic.js') as typeof import('secp256k1')
    const signer = Uint8Array.from(Buffer.from(generatePrivateKey().slice(2), 'hex'))
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
        const { signature, recid } = plain.ecdsaSign(digest, signer)
        const key = plain.ecdsaRecover(signature, recid, digest, false)
        const r = BigInt(bytesToHex(signature.slice(0, 32)))
        const s = BigInt(bytesToHex(signature.slice(32)))
        const sender = recoverSender(digest, r, s, recid as 0 | 1)
        expect(bytesToHex(sender!)).toBe(`0x${keccak256(key.slice(1)).slice(26)}`)
      }),
      { numRuns: 5 },
    )
  })
})

import { describe, expect, it } from '@jest/globals'
import { Transaction } from 'ethers'
import fc from 'fast-check'
import { keccak256, type TransactionSerializable, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { decodeTransaction } from '../../../client/dist/evm/decodeTransaction.js'

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((one) => toHex(one))
const amount = fc.bigInt({ min: 0n, max: 2n ** 90n })
const accessList = fc.array(
  fc.record({ address: bytes(20), storageKeys: fc.array(bytes(32), { maxLength: 2 }) }),
  { maxLength: 2 },
)
const common = {
  nonce: fc.nat(),
  gas: amount,
  to: fc.option(bytes(20), { nil: undefined }),
  value: amount,
  data: fc.uint8Array({ maxLength: 80 }).map((one) => toHex(one)),
}
const dynamic = {
  chainId: fc.nat().map((id) => id + 1),
  maxFeePerGas: fc.constant(2n ** 80n),
  maxPriorityFeePerGas: amount.map((one) => one % 2n ** 80n),
}
const transaction = fc.oneof(
  fc.record({
    ...common,
    type: fc.constant('legacy' as const),
    chainId: fc.nat().map((id) => id + 1),
    gasPrice: amount,
  }),
  fc.record({
    ...common,
    accessList,
    type: fc.constant('eip2930' as const),
    chainId: fc.nat().map((id) => id + 1),
    gasPrice: amount,
  }),
  fc.record({ ...common, ...dynamic, accessList, type: fc.constant('eip1559' as const) }),
)

describe('decodeTransaction', () => {
  it('property: says what another library reads in the same bytes, and who signed them', async () => {
    await fc.assert(
      fc.asyncProperty(transaction, bytes(32), async (unsigned, key) => {
        fc.pre(BigInt(key) > 0n && BigInt(key) < 2n ** 255n)
        const account = privateKeyToAccount(key)
        const signed = await account.signTransaction(unsigned as TransactionSerializable)
        const theirs = Transaction.from(signed)
        const ours = decodeTransaction(Buffer.from(signed.slice(2), 'hex'), keccak256(signed))!
        expect(ours.from).toBe(account.address.toLowerCase())
        expect(ours.nonce).toBe(BigInt(theirs.nonce))
        const { json } = ours
        expect(json).toMatchObject({
          hash: theirs.hash,
          to: theirs.to?.toLowerCase() ?? null,
          input: theirs.data,
        })
        expect([json.value, json.gas, json.chainId].map((one) => BigInt(one as string))).toEqual([
          theirs.value,
          theirs.gasLimit,
          theirs.chainId,
        ])
        expect(
          [json.gasPrice, json.maxPriorityFeePerGas ?? '0x0'].map((one) => BigInt(one as string)),
        ).toEqual([theirs.gasPrice ?? theirs.maxFeePerGas, theirs.maxPriorityFeePerGas ?? 0n])
        expect([json.r, json.s]).toEqual([theirs.signature!.r, theirs.signature!.s])
        expect(Object.keys(Object(json.accessList))).toHaveLength(theirs.accessList?.length ?? 0)
      }),
      { numRuns: 60 },
    )
  })

  it('behavior: what is signed by nobody, cut off or of another type is not read', async () => {
    const account = privateKeyToAccount(`0x${'11'.repeat(32)}`)
    const signed = await account.signTransaction({
      chainId: 1,
      nonce: 1,
      gas: 21_000n,
      maxFeePerGas: 1n,
      type: 'eip1559',
    })
    const raw = Buffer.from(signed.slice(2), 'hex')
    expect(decodeTransaction(raw, '0x')).toBeDefined()
    expect(decodeTransaction(raw.subarray(0, -1), '0x')).toBeUndefined()
    expect(decodeTransaction(Buffer.concat([Buffer.of(0x7b), raw.subarray(1)]), '0x')).toBeUndefined()
    const noSignature = Buffer.from(raw)
    noSignature.fill(0xff, raw.length - 32)
    expect(decodeTransaction(noSignature, '0x')).toBeUndefined()
  })
})

import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { bytesToHex, type Hex, type TransactionSerializable } from 'viem'

const hex = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(bytesToHex)
const wei = fc.bigInt({ min: 0n, max: 2n ** 96n })
const address = hex(20)

const common = {
  nonce: fc.nat(),
  gas: fc.bigInt({ min: 0n, max: 2n ** 63n }),
  value: fc.bigInt({ min: 0n, max: 2n ** 128n }),
  data: fc.uint8Array({ maxLength: 100 }).map(bytesToHex),
}
const maybeTo = { to: fc.option(address, { nil: undefined }) }
const accessList = fc.array(fc.record({ address, storageKeys: fc.array(hex(32), { maxLength: 3 }) }), {
  maxLength: 3,
})
const fees = fc
  .tuple(wei, wei)
  .map(([a, b]) =>
    a > b ? { maxFeePerGas: a, maxPriorityFeePerGas: b } : { maxFeePerGas: b, maxPriorityFeePerGas: a },
  )
const authorization = fc.record({
  chainId: fc.nat(),
  address,
  nonce: fc.nat(),
  r: hex(32),
  s: hex(32),
  yParity: fc.nat(1),
})

function withFees(fields: fc.Arbitrary<object>): fc.Arbitrary<TransactionSerializable> {
  return fc.tuple(fields, fees).map(([a, b]) => ({ ...a, ...b }) as TransactionSerializable)
}

/** Transactions of types 0, 1, 2 and 4 for a chain, to be signed. */
export function transactionsFor(chainId: number): fc.Arbitrary<TransactionSerializable> {
  const id = { chainId: fc.constant(chainId) }
  return fc.oneof(
    fc.record({ ...id, ...common, ...maybeTo, gasPrice: wei, type: fc.constant('legacy') }),
    fc.record({ ...id, ...common, ...maybeTo, gasPrice: wei, accessList, type: fc.constant('eip2930') }),
    withFees(fc.record({ ...id, ...common, ...maybeTo, accessList, type: fc.constant('eip1559') })),
    withFees(
      fc.record({
        ...id,
        ...common,
        to: address,
        accessList,
        authorizationList: fc.array(authorization, { minLength: 1, maxLength: 2 }),
        type: fc.constant('eip7702'),
      }),
    ),
  ) as fc.Arbitrary<TransactionSerializable>
}

/** A sidecar whose commitments fit its hashes; its KZG proofs prove nothing. */
export function fakeSidecars(count: number): {
  sidecars: { blob: Hex; commitment: Hex; proof: Hex }[]
  hashes: Hex[]
} {
  const sidecars = Array.from({ length: count }, (_, index) => ({
    blob: bytesToHex(new Uint8Array(131_072).fill(index + 1)),
    commitment: bytesToHex(new Uint8Array(48).fill(index + 1)),
    proof: bytesToHex(new Uint8Array(48).fill(index + 101)),
  }))
  const hashes = sidecars.map(({ commitment }) => versionedHash(commitment))
  return { sidecars, hashes }
}

function versionedHash(commitment: Hex): Hex {
  const digest = createHash('sha256')
    .update(Buffer.from(commitment.slice(2), 'hex'))
    .digest()
  digest[0] = 1
  return bytesToHex(digest)
}

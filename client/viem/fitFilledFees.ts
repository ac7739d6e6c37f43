import type { FilledTransaction, TransactionFields } from '../evm/fillTransaction.ts'
import { readQuantity, toQuantity } from '../evm/quantity.ts'

/** viem's `chain.fees.baseFeeMultiplier`, where a chain does not say. */
const defaultMultiplier = 1.2
const decimals = 1_000_000

/**
 * viem multiplies the `maxFeePerGas` that `eth_fillTransaction` gives, tip included, and the one that is filled here has its
 * margin already: it is made smaller by as much as viem makes it larger. A multiplier that is a function is left its way.
 */
export function fitFilledFees(filled: unknown, params: unknown, multiplier: unknown): unknown {
  const { tx, raw } = filled as FilledTransaction
  const given = (Array.isArray(params) ? params[0] : {}) as TransactionFields
  const maxFee = readQuantity(tx.maxFeePerGas)
  if (maxFee === undefined || (given.maxFeePerGas ?? undefined) !== undefined) return filled
  if (typeof multiplier === 'function') return filled
  const factor = typeof multiplier === 'number' && multiplier >= 1 ? multiplier : defaultMultiplier
  const scaled = BigInt(Math.round(factor * decimals))
  const smaller = (maxFee * BigInt(decimals) + scaled - 1n) / scaled
  return { raw, tx: { ...tx, maxFeePerGas: toQuantity(smaller) } }
}

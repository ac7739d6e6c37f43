import type { EvmTransaction } from './EvmTransaction.ts'

/** Which rules the chain's newest block shows to be in force. */
export interface GasRules {
  /** Init code costs gas by its length. */
  readonly eip3860: boolean
  /** Call data has a floor price. */
  readonly eip7623: boolean
}

/** Gas that a transaction needs before it runs: below it no block takes it. */
export function intrinsicGas(tx: EvmTransaction, rules: GasRules): bigint {
  const zeros = tx.data.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0)
  const nonZeros = tx.data.length - zeros
  const create = tx.to === null
  const keys = tx.accessList.reduce((sum, { storageKeys }) => sum + storageKeys.length, 0)
  const initCodeWords = create && rules.eip3860 ? Math.ceil(tx.data.length / 32) : 0
  const gas =
    21_000 +
    (create ? 32_000 : 0) +
    // EIP-2028
    zeros * 4 +
    nonZeros * 16 +
    initCodeWords * 2 +
    // EIP-2930
    tx.accessList.length * 2_400 +
    keys * 1_900 +
    // EIP-7702
    tx.authorizations.length * 25_000
  const floor = rules.eip7623 ? 21_000 + 10 * (zeros + 4 * nonZeros) : 0
  return BigInt(Math.max(gas, floor))
}

import type { Inclusion } from '@veilcast/shared/protocol'

/** Whether two endpoints tell the same of one transaction. Of an EVM one without revert data, which no block holds. */
export function sameInclusion(a: Inclusion | null, b: Inclusion | null): boolean {
  if (a === null || b === null) return a === b
  if (a.height !== b.height || Buffer.compare(a.blockHash, b.blockHash) !== 0 || a.gasUsed !== b.gasUsed) {
    return false
  }
  if (a.family === 'cosmos' && b.family === 'cosmos') return a.code === b.code && a.codespace === b.codespace
  if (a.family !== 'evm' || b.family !== 'evm') return false
  // Some nodes do not tell the price.
  const [left, right] = [a.effectiveGasPrice, b.effectiveGasPrice]
  const samePrice = left === right || left === 0n || right === 0n
  return a.ok === b.ok && a.transactionIndex === b.transactionIndex && samePrice
}

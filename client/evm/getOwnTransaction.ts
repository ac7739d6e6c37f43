import type { NodeContext } from './NodeContext.ts'
import { isOnItsWay } from './ownTransactions.ts'
import { readReceipt } from './readReceipt.ts'

/** As `getOwnReceipt` and `getOwnTransaction` answer what has to be asked for. */
export const askTheChain = Symbol('ask the chain')

/** Longest wait for a receipt once its transaction is in a block. */
const maxBehindMs = 20_000

/**
 * `eth_getTransactionReceipt` of a transaction that was sent from here: null until it was told to be in a block, or, with
 * `hold`, no answer until then.
 * @throws VeilcastError for one that can never be in a block
 */
export async function getOwnReceipt(
  context: NodeContext,
  hash: unknown,
  hold: boolean,
  signal?: AbortSignal,
): Promise<unknown> {
  const transaction = typeof hash === 'string' ? context.own.get(hash.toLowerCase()) : undefined
  if (!transaction) return askTheChain
  if (hold) await Promise.race([transaction.settled, aborted(signal)])
  if (transaction.stage === 'ended') throw transaction.error
  if (isOnItsWay(transaction)) {
    // Whoever would have to hold on hears of it; for whoever polls it is not over before the broadcaster says so.
    if (hold && transaction.superseded) throw transaction.superseded
    return null
  }
  return hold && transaction.stage === 'included'
    ? readReceipt(context, transaction.hash, performance.now() + maxBehindMs, signal)
    : askTheChain
}

/** `eth_getTransactionByHash` of a transaction that was sent from here: read from its own bytes while it is in no block. */
export function getOwnTransaction({ own }: NodeContext, hash: unknown): unknown {
  const transaction = typeof hash === 'string' ? own.get(hash.toLowerCase()) : undefined
  const isInNoBlock = transaction && transaction.stage !== 'included' && transaction.stage !== 'unfollowed'
  return isInNoBlock && transaction.decoded ? { ...transaction.decoded.json } : askTheChain
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
}

import type { NodeContext } from './NodeContext.ts'
import { readQuantity, toQuantity } from './quantity.ts'

/** What the chain says; for `pending` at least one more than the highest nonce that a transaction of ours holds. */
export async function getTransactionCount(
  context: NodeContext,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<unknown> {
  const said = await context.read('eth_getTransactionCount', params, signal)
  const [address, block] = params
  if (block !== 'pending' || typeof address !== 'string') return said
  const next = context.own.nextNonce(address.toLowerCase())
  const read = readQuantity(said)
  return next === undefined || read === undefined || read >= next ? said : toQuantity(next)
}

import type { EvmNode } from '../evm/createEvmNode.ts'
import { type NodeClient, ownTransactionsOf } from '../evm/NodeContext.ts'
import { readQuantity, toQuantity } from '../evm/quantity.ts'

/** What was asked before the transaction, at its estimate, holds so long. */
const maxAgeMs = 10_000

interface Remembered {
  readonly node: EvmNode
  readonly from: string
  readonly atMs: number
  readonly nonce: Promise<unknown>
}

/** The next nonce of the last account that estimated gas: asked in the same message, and used once. */
export function rememberNonces(client: NodeClient) {
  let last: Remembered | undefined
  return {
    prefetch(node: EvmNode, from: unknown): void {
      if (typeof from !== 'string') return
      const nonce = node
        .request({ method: 'eth_getTransactionCount', params: [from, 'pending'] })
        .catch(() => undefined)
      last = { node, from: from.toLowerCase(), atMs: performance.now(), nonce }
      // Both are remembered by the client itself, as long as the block lasts.
      for (const [method, params] of [
        ['eth_feeHistory', ['0x1', 'latest', []]],
        ['eth_maxPriorityFeePerGas', []],
      ] as const) {
        node.request({ method, params }).catch(() => undefined)
      }
    },
    async recall(node: EvmNode, from: string): Promise<string | undefined> {
      const known = last
      last = undefined
      if (!known || known.node !== node || known.from !== from.toLowerCase()) return undefined
      if (performance.now() - known.atMs > maxAgeMs) return undefined
      const nonce = readQuantity(await known.nonce)
      // What was sent since then holds the next ones.
      const next = ownTransactionsOf(client, node.chain).nextNonce(known.from) ?? 0n
      return nonce === undefined ? undefined : toQuantity(nonce > next ? nonce : next)
    },
  }
}

import type { EvmNode } from '../evm/createEvmNode.ts'
import type { FilledTransaction, TransactionFields } from '../evm/fillTransaction.ts'
import { type NodeClient, ownTransactionsOf } from '../evm/NodeContext.ts'
import { readQuantity, toQuantity } from '../evm/quantity.ts'

/** What was asked for a transaction at its estimate holds so long. */
const maxAgeMs = 10_000

const feeNames = ['gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas'] as const

interface Remembered {
  readonly node: EvmNode
  readonly from: string
  readonly atMs: number
  readonly filling: Promise<TransactionFields | undefined>
}

/** Nonce and fees for the last account that estimated gas: asked in the same message, and used once. */
export function rememberFilled(client: NodeClient) {
  let last: Remembered | undefined
  return {
    prefetch(node: EvmNode, estimated: unknown): void {
      if (typeof estimated !== 'object' || estimated === null) return
      const { from } = estimated as TransactionFields
      if (typeof from !== 'string') return
      const filling = node
        .request({ method: 'eth_fillTransaction', params: [{ ...estimated, gas: '0x0' }] })
        .then((filled) => (filled as FilledTransaction).tx)
        .catch(() => undefined)
      last = { node, from: from.toLowerCase(), atMs: performance.now(), filling }
    },
    /** What is known of this transaction, and not said by it. */
    async recall(node: EvmNode, from: string, request: TransactionFields): Promise<TransactionFields> {
      const known = last
      last = undefined
      if (!known || known.node !== node || known.from !== from.toLowerCase()) return {}
      if (performance.now() - known.atMs > maxAgeMs) return {}
      const filled = await known.filling
      if (!filled) return {}
      const isPriced = [...feeNames, 'type'].some((name) => (request[name] ?? undefined) !== undefined)
      const fees = isPriced ? [] : feeNames.filter((name) => filled[name] !== undefined)
      return {
        nonce: filled.nonce,
        ...Object.fromEntries(fees.map((name) => [name, filled[name]])),
        ...pendingNonce(client, known, filled),
      }
    },
  }
}

/** What was sent since then holds the next ones. */
function pendingNonce(client: NodeClient, { node, from }: Remembered, filled: TransactionFields) {
  const next = ownTransactionsOf(client, node.chain).nextNonce(from)
  const known = readQuantity(filled.nonce)
  return next !== undefined && known !== undefined && next > known ? { nonce: toQuantity(next) } : {}
}

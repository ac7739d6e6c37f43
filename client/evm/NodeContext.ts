import type { VeilcastClient } from '../createClient.ts'
import { createOwnTransactions, type OwnTransactions } from './ownTransactions.ts'

/** What an EVM node is made of. */
export interface NodeContext {
  readonly client: NodeClient
  /** CAIP-2. */
  readonly chain: string
  readonly chainId: bigint
  readonly own: OwnTransactions
  readonly maxFeeWei: bigint | undefined
  /** Whether the chain was found to have no base fee. */
  readonly isLegacy: { value: boolean }
  /** Through the mixnet, in a node's terms. */
  read(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>
}

export interface NodeClient extends Pick<VeilcastClient, 'read' | 'submit'> {
  head?(chain: string): { readonly height: bigint; readonly freshUntilMs: number } | undefined
}

const known = new WeakMap<NodeClient, Map<string, OwnTransactions>>()

/**
 * Adapters over one client know of each other's transactions: a wallet may send with one and wait with another. A client
 * serves few chains, as many as its broadcasters.
 */
export function ownTransactionsOf(client: NodeClient, chain: string): OwnTransactions {
  const chains = known.get(client) ?? new Map<string, OwnTransactions>()
  known.set(client, chains)
  const own = chains.get(chain) ?? createOwnTransactions()
  chains.set(chain, own)
  return own
}

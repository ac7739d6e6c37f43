import { type CosmosNode, createCosmosNode } from '../cosmos/createCosmosNode.ts'
import type { VeilcastClient } from '../createClient.ts'
import { createEvmNode, type EvmNode } from '../evm/createEvmNode.ts'

export type { CosmosNode, EvmNode }

export type Node =
  | { readonly family: 'evm'; readonly node: EvmNode }
  | { readonly family: 'cosmos'; readonly node: CosmosNode }

/** What speaks as a node of each family. */
export interface NodeMakers {
  readonly evm: (client: VeilcastClient, chain: string) => EvmNode
  readonly cosmos: (client: VeilcastClient, chain: string) => CosmosNode
}

/** By chain, the most that a transaction may pay: of an EVM chain in wei, of a Cosmos chain by denomination. */
export type MaxFees = Readonly<Record<string, bigint | Readonly<Record<string, bigint>>>>

export function ownNodes(timeoutMs: number, maxFees: MaxFees = {}): NodeMakers {
  return {
    evm(client, chain) {
      const maxFee = maxFees[chain]
      return createEvmNode(client, { chain, maxFeeWei: typeof maxFee === 'bigint' ? maxFee : undefined })
    },
    cosmos(client, chain) {
      const maxFee = maxFees[chain]
      return createCosmosNode(client, {
        chain,
        timeoutMs,
        maxFee: typeof maxFee === 'object' ? maxFee : undefined,
      })
    },
  }
}

/** One node per chain, made when it is first asked. The broadcaster's list bounds how many. */
export function keepNodes(client: VeilcastClient, makers: NodeMakers) {
  const nodes = new Map<string, Node>()
  return (chain: string, family: 'evm' | 'cosmos'): Node => {
    const known = nodes.get(chain)
    if (known) return known
    const made: Node =
      family === 'evm'
        ? { family, node: makers.evm(client, chain) }
        : { family, node: makers.cosmos(client, chain) }
    nodes.set(chain, made)
    return made
  }
}

import { VeilcastError } from '@veilcast/shared/errors'
import { isChainId, maxReadResultBytes } from '@veilcast/shared/protocol'
import { EvmNodeError, invalidParams, methodRefused, toNodeError } from './EvmNodeError.ts'
import { fillTransaction } from './fillTransaction.ts'
import { askTheChain, getOwnReceipt, getOwnTransaction } from './getOwnTransaction.ts'
import { getTransactionCount } from './getTransactionCount.ts'
import { type NodeClient, type NodeContext, ownTransactionsOf } from './NodeContext.ts'
import { toQuantity } from './quantity.ts'
import { sendRawTransaction, sendRawTransactionSync } from './sendRawTransaction.ts'
import { type Subscription, subscribe } from './subscribe.ts'
import { withoutLabels } from './withoutLabels.ts'

export type { NodeClient } from './NodeContext.ts'
export type { Subscription } from './subscribe.ts'

export interface EvmNodeOptions {
  /** CAIP-2: `eip155:1`. */
  readonly chain: string
  /**
   * What the receipt of a transaction that was sent from here is answered while it is on its way: null, as by any node, or,
   * with true, nothing until it is in a block, so that a library which would poll for it has it as soon as it is told.
   * Default false.
   */
  readonly holdReceipts?: boolean | undefined
  /**
   * The most that a transaction may pay in fees, its gas limit at its highest price, in wei: gas and fees are what a broadcaster
   * suggests. One above it is not sent (`feeAboveLimit`). Default 10^18, one whole coin.
   */
  readonly maxFeeWei?: bigint | undefined
}

/** Ethereum's JSON-RPC, as a good node speaks it, over the mixnet. */
export interface EvmNode {
  /** CAIP-2. */
  readonly chain: string
  /**
   * @throws EvmNodeError with JSON-RPC's code and a node's wording; its `cause` is the VeilcastError
   */
  request(
    args: { readonly method: string; readonly params?: unknown },
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<unknown>
  /**
   * `eth_subscribe`, by asking at the pace at which the broadcaster says that blocks come.
   * @param filter of `logs`: `{ address?, topics? }`
   * @param failed told of what went wrong. It goes on, unless the client was stopped or the filter is refused.
   */
  subscribe(
    kind: 'newHeads' | 'logs',
    filter: unknown,
    hear: (item: unknown) => void,
    failed?: (error: unknown) => void,
  ): Subscription
}

/**
 * What a wallet asks an Ethereum node, asked through the mixnet. What can be known here is answered here: the chain id, the
 * hash of what was sent, and that it is in no block yet. viem's transport, the EIP-1193 provider and `veilcast rpc` are
 * skins over it.
 *
 * Filters (`eth_newFilter` and its like) are refused: viem and ethers ask for logs instead, and here is no node to keep one.
 *
 * @example
 * import { createEvmNode } from './createEvmNode.ts'
 *
 * const node = createEvmNode(client, { chain: 'eip155:1' })
 * const balance = await node.request({ method: 'eth_getBalance', params: ['0x…', 'latest'] })
 * const heads = node.subscribe('newHeads', undefined, (head) => console.log(head))
 * heads.stop()
 *
 * @throws VeilcastError `invalidArgument`
 */
export function createEvmNode(client: NodeClient, options: EvmNodeOptions): EvmNode {
  const { chain, holdReceipts = false, maxFeeWei } = options
  const reference = /^eip155:(\d{1,32})$/.exec(chain)?.[1]
  if (!reference || !isChainId(chain)) {
    throw new VeilcastError('invalidArgument', { details: 'chain: has the form eip155:1.' })
  }
  const refusedElsewhere = new Set<string>()
  const context: NodeContext = {
    client,
    chain,
    chainId: BigInt(reference),
    own: ownTransactionsOf(client, chain),
    maxFeeWei,
    isLegacy: { value: false },
    async read(method, params, signal) {
      try {
        return await client.read(
          { chain, method, params, maxResultBytes: maxReadResultBytes },
          signal ? { signal } : {},
        )
      } catch (error) {
        const nodeError = toNodeError(error, method)
        if (nodeError.code === -32601 && refusedElsewhere.size < maxRefusedMethods)
          refusedElsewhere.add(method)
        throw nodeError
      }
    },
  }

  const answer = async (
    method: string,
    params: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<unknown> => {
    switch (method) {
      case 'eth_chainId':
        return toQuantity(context.chainId)
      case 'net_version':
        return context.chainId.toString()
      case 'eth_accounts':
        return []
      case 'web3_clientVersion':
        return 'Veilcast'
      case 'eth_syncing':
        return false
      case 'net_listening':
        return true
      case 'eth_sendRawTransaction':
        return sendRawTransaction(context, params, signal)
      case 'eth_sendRawTransactionSync':
        return sendRawTransactionSync(context, params, signal)
      case 'eth_fillTransaction':
        return fillTransaction(context, params, signal)
      case 'eth_getTransactionCount':
        return getTransactionCount(context, params, signal)
      case 'eth_getTransactionReceipt': {
        const own = await getOwnReceipt(context, params[0], holdReceipts, signal)
        return own === askTheChain ? context.read(method, params, signal) : own
      }
      case 'eth_getTransactionByHash': {
        const own = getOwnTransaction(context, params[0])
        return own === askTheChain ? context.read(method, params, signal) : own
      }
      default:
        if (isRefusedHere(method) || refusedElsewhere.has(method)) throw methodRefused(method)
        return context.read(method, params, signal)
    }
  }

  return {
    chain,
    async request({ method, params = [] }, { signal } = {}) {
      try {
        if (typeof method !== 'string') throw new EvmNodeError(-32600, 'invalid request')
        if (!Array.isArray(params)) throw invalidParams('they are a list')
        return await answer(method, withoutLabels(method, params), signal)
      } catch (error) {
        throw toNodeError(error, method)
      }
    },
    subscribe: (kind, filter, hear, failed = () => {}) => subscribe(context, kind, filter, hear, failed),
  }
}

const maxRefusedMethods = 64

/** Nothing that a broadcaster answers: asking would cost a message, and tell what the wallet is. */
const refusedHere: ReadonlySet<string> = new Set([
  ...['eth_newFilter', 'eth_newBlockFilter', 'eth_newPendingTransactionFilter'],
  ...['eth_getFilterChanges', 'eth_getFilterLogs', 'eth_uninstallFilter'],
  ...['eth_subscribe', 'eth_unsubscribe', 'eth_getTransactionBySenderAndNonce'],
  ...['eth_sign', 'eth_signTransaction', 'eth_sendTransaction', 'eth_requestAccounts'],
  ...['eth_signTypedData', 'eth_signTypedData_v3', 'eth_signTypedData_v4'],
])

function isRefusedHere(method: string): boolean {
  return refusedHere.has(method) || !/^(eth|net|web3)_/.test(method)
}

import { VeilcastError } from '@veilcast/shared/errors'
import { isChainId, maxReadResultBytes } from '@veilcast/shared/protocol'
import type { VeilcastClient } from '../createClient.ts'
import { answerRest, type RestAnswer, type RestRequest, readRestTx } from './answerRest.ts'
import { answerRpc, readCometTx } from './answerRpc.ts'
import { broadcastOwn } from './broadcastOwn.ts'
import { toCometRpcError } from './CometRpcError.ts'
import { checkFee, type FeeLimits } from './checkFee.ts'
import { type Lookup, lookUpOwn } from './lookUpOwn.ts'
import type { NodeParts } from './NodeParts.ts'
import { ownTransactionsOf, type ResultForm } from './ownTransactions.ts'
import { prepareAhead } from './prepareAhead.ts'
import type { Wait } from './Wait.ts'

export interface CosmosNodeOptions {
  /** CAIP-2, as in `cosmos:cosmoshub-4`. */
  readonly chain: string
  /** How long a call waits that names no limit itself. Default 120 000, at most 86 400 000. */
  readonly timeoutMs?: number | undefined
  /**
   * How long the answer to a broadcast waits for CheckTx's refusal after the transaction was shown to the chain's node. A refusal
   * that comes later ends the look-up of that hash. Default 1 000.
   */
  readonly checkTxMs?: number | undefined
  /** A transaction that pays more, or in another denomination, is not sent (`feeAboveLimit`): see `FeeLimits`. Default: any fee. */
  readonly maxFee?: FeeLimits['maxFee']
  /** One with a higher gas limit is not sent: gas is what a broadcaster simulated. Default 100,000,000. */
  readonly maxGas?: FeeLimits['maxGas']
}

export interface CosmosCallOptions {
  /** Ends the wait of this call. A transaction that was sent stays sent, and is followed on. */
  readonly signal?: AbortSignal | undefined
  /** Default: the node's. */
  readonly timeoutMs?: number | undefined
}

/** A node of one Cosmos chain, as a wallet sees it. */
export interface CosmosNode {
  readonly chain: string
  /**
   * CometBFT's RPC: the `result` of a JSON-RPC answer. `broadcast_tx_async`, `_sync` and `_commit` submit and answer once the
   * transaction is accepted, was handed to the chain's node, is in a block; what CheckTx refused is an answer with its code.
   * `tx` and `tx_search` by the hash of a transaction of our own cost no message until it is in a block.
   * @throws CometRpcError, with the VeilcastError as its cause
   */
  request(
    args: { readonly method: string; readonly params?: Readonly<Record<string, unknown>> | undefined },
    options?: CosmosCallOptions,
  ): Promise<unknown>
  /**
   * The SDK's REST API. POST takes /cosmos/tx/v1beta1/txs and /cosmos/tx/v1beta1/simulate.
   * @throws VeilcastError where no node could have answered, and for a transaction of our own that was refused, replaced or
   * lapsed
   */
  rest(request: RestRequest, options?: CosmosCallOptions): Promise<RestAnswer>
  /** The VeilcastError behind an answer with a code other than 0 to a broadcast, by the answer's `log`. */
  refusalOf(log: string): VeilcastError | undefined
}

/**
 * Speaks as a node of a Cosmos chain does, and asks everything through the client.
 *
 * @example
 * import { createCosmosNode } from '@veilcast/client/cosmjs'
 *
 * const node = createCosmosNode(client, { chain: 'cosmos:cosmoshub-4' })
 * const { sync_info } = await node.request({ method: 'status' })
 * const { status, body } = await node.rest({ method: 'GET', path: '/cosmos/bank/v1beta1/supply' })
 *
 * @throws VeilcastError `invalidArgument`
 */
export function createCosmosNode(
  client: Pick<VeilcastClient, 'read' | 'submit'>,
  { chain, timeoutMs: defaultTimeoutMs = 120_000, checkTxMs = 1_000, maxFee, maxGas }: CosmosNodeOptions,
): CosmosNode {
  if (typeof chain !== 'string' || !isChainId(chain) || !chain.startsWith('cosmos:')) {
    throw new VeilcastError('invalidArgument', { details: 'chain: has the form cosmos:cosmoshub-4.' })
  }
  const read: NodeParts['read'] = (method, params, wait) =>
    client.read(
      { chain, method, params: params as Record<string, unknown>, maxResultBytes: maxReadResultBytes },
      wait,
    )
  const transactions = ownTransactionsOf(client, chain)
  const preparation = prepareAhead(read, transactions.epoch)
  const lookups: Readonly<Record<ResultForm, Lookup>> = {
    comet: { read: (hash, wait) => readCometTx(read, hash, wait), isResult: () => true },
    rest: {
      read: (hash, wait) => readRestTx(read, hash, wait),
      isResult: (answer) => (answer as RestAnswer).status === 200,
    },
  }
  const lookUp: NodeParts['lookUp'] = (form, hash, wait) =>
    lookUpOwn(transactions, form, lookups[form], hash, wait)
  const refusals = new Map<string, VeilcastError>()
  const parts: NodeParts = {
    preparation,
    read,
    lookUp,
    own: transactions.all,
    phaseOf: (hash) => transactions.find(hash)?.phase,
    async broadcast(signedTx, stage, wait) {
      checkFee(signedTx, { maxFee, maxGas })
      const told = await broadcastOwn(transactions, signedTx, { stage, checkTxMs }, wait)
      if (told.refusal) keepLast(refusals, told.refusal.log, told.refusal.error, maxRefusals)
      return told
    },
  }
  const waitOf = ({ signal, timeoutMs = defaultTimeoutMs }: CosmosCallOptions = {}): Wait => ({
    signal,
    timeoutMs,
  })

  return {
    chain,
    async request({ method, params = {} }, options) {
      try {
        return await answerRpc(parts, method, params, waitOf(options))
      } catch (error) {
        throw toCometRpcError(error)
      }
    },
    rest: (request, options) => answerRest(parts, request, waitOf(options)),
    refusalOf: (log) => refusals.get(log),
  }
}

const maxRefusals = 32

function keepLast<T>(map: Map<string, T>, key: string, value: T, limit: number): void {
  map.delete(key)
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= limit) return
    map.delete(oldest)
  }
}

import type { RpcClient } from '@cosmjs/tendermint-rpc'
import { findVeilcastError, type VeilcastError } from '@veilcast/shared/errors'
import { toCometRpcError } from '../cosmos/CometRpcError.ts'
import { type CosmosNodeOptions, createCosmosNode } from '../cosmos/createCosmosNode.ts'
import type { VeilcastClient } from '../createClient.ts'

export interface VeilcastRpcClient extends RpcClient {
  /**
   * The VeilcastError behind what CosmJS threw, for its `outcome` and `retry`; undefined where there is none. A BroadcastTxError
   * has no cause: it is found by its log.
   */
  errorOf(error: unknown): VeilcastError | undefined
}

/**
 * CosmJS' way to a node, through the mixnet. Whatever a CometClient, a StargateClient or a SigningStargateClient asks and sends
 * over it works as it does over HTTP; subscriptions, which need a websocket, do not.
 *
 * A failed call throws `Error` with the JSON of `{ code, message, data }`, as CosmJS' own HttpClient does, and the VeilcastError
 * as its `cause`. `disconnect` ends nothing: the client is stopped by whoever started it.
 *
 * @example
 * import { Comet38Client } from '@cosmjs/tendermint-rpc'
 * import { SigningStargateClient } from '@cosmjs/stargate'
 * import { createRpcClient } from '@veilcast/client/cosmjs'
 *
 * const rpc = createRpcClient(client, { chain: 'cosmos:cosmoshub-4' })
 * const wallet = await SigningStargateClient.createWithSigner(Comet38Client.create(rpc), signer)
 * const { code, transactionHash } = await wallet.sendTokens(from, to, [{ denom: 'uatom', amount: '1' }], fee)
 *
 * @throws VeilcastError `invalidArgument`
 */
export function createRpcClient(
  client: Pick<VeilcastClient, 'read' | 'submit'>,
  options: CosmosNodeOptions,
): VeilcastRpcClient {
  const node = createCosmosNode(client, options)
  return {
    async execute({ id, method, params }) {
      try {
        const named = Array.isArray(params) ? {} : (params as Record<string, unknown>)
        return { jsonrpc: '2.0', id, result: await node.request({ method, params: named }) }
      } catch (thrown) {
        const error = toCometRpcError(thrown)
        const { code, shortMessage: message, data } = error
        throw new Error(JSON.stringify({ code, message, data }), { cause: error })
      }
    },
    disconnect() {},
    errorOf(error) {
      const log = (error as { readonly log?: unknown } | null | undefined)?.log
      return findVeilcastError(error) ?? (typeof log === 'string' ? node.refusalOf(log) : undefined)
    },
  }
}

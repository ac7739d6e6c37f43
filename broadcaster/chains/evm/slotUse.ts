import type { InspectedTx, SlotUse, WaitOptions } from '../ChainAdapter.ts'
import { resultOf } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { slotUseAgreed } from '../slotUseAgreed.ts'
import type { EvmClient } from './EvmClient.ts'
import { isMined } from './find.ts'
import { askChainId, checkChainId } from './head.ts'
import { quantityOf, toHex, toQuantity } from './nodeValues.ts'

/**
 * Whether the account's nonce is above the transaction's, while its hash is in no block: one request each at two operators.
 * A node that has dropped the state of `height`, as all but archives do after 128 blocks, gives no answer.
 *
 * @throws ChainUnavailable where fewer than two operators of two answered
 */
export function slotUse(
  pool: EndpointPool<EvmClient>,
  chainId: bigint,
  { txId, account, sequence }: InspectedTx,
  height: bigint | 'latest',
  options: WaitOptions,
): Promise<SlotUse> {
  if (!account || sequence === undefined) return Promise.resolve('open')
  const block = height === 'latest' ? height : toQuantity(height)
  const calls = [
    askChainId,
    { method: 'eth_getTransactionCount', params: [toHex(account), block] },
    { method: 'eth_getTransactionReceipt', params: [toHex(txId)] },
  ]
  const ask = async (client: EvmClient, signal: AbortSignal): Promise<SlotUse> => {
    const [id, nonce, receipt] = (await client.batch(calls, { signal })).map(resultOf)
    checkChainId(id, chainId)
    if (isMined(receipt)) return 'landed'
    return quantityOf(nonce) > sequence ? 'used' : 'open'
  }
  return slotUseAgreed(pool, ask, options)
}

import type { TxId } from '@veilcast/shared/protocol'
import type { FoundTx, WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { EvmClient } from './EvmClient.ts'
import { receiptOf } from './inclusion.ts'
import { recordOf, sameBytes, toHex } from './nodeValues.ts'

/** A transaction's receipt. @throws ChainUnavailable */
export function find(
  pool: EndpointPool<EvmClient>,
  txId: TxId,
  options: WaitOptions,
): Promise<FoundTx | null> {
  return pool.ask(async (client, signal) => {
    const answer = await client.call('eth_getTransactionReceipt', [toHex(txId)], { signal })
    // Some nodes give a receipt for what is pending still.
    if (answer === null || recordOf(answer).blockHash === null) return null
    const { txHash, blockHash, inclusion } = receiptOf(answer)
    if (!sameBytes(txHash, txId)) {
      throw new EndpointProblem('lied', 'The endpoint gave the receipt of another transaction.')
    }
    return {
      inclusion,
      block: { height: inclusion.height, hash: Buffer.from(blockHash).toString('hex') },
    }
  }, options)
}

import type { TxId } from '@veilcast/shared/protocol'
import type { FoundTx, WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { EvmClient } from './EvmClient.ts'
import { receiptOf } from './inclusion.ts'
import { recordOf, sameBytes, toHex } from './nodeValues.ts'

/** A transaction's receipt. @throws ChainUnavailable */
export async function find(
  pool: EndpointPool<EvmClient>,
  txId: TxId,
  { thorough = false, ...options }: WaitOptions & { readonly thorough?: boolean },
): Promise<FoundTx | null> {
  const question = async (client: EvmClient, signal: AbortSignal): Promise<FoundTx | null> => {
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
  }
  const said = await pool.askTwo(question, (found) => !thorough || found !== null, options)
  return said.find((found) => found !== null) ?? null
}

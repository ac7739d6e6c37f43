import type { TxId } from '@veilcast/shared/protocol'
import type { FindOptions, FoundTx } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { findAgreed } from '../findAgreed.ts'
import type { EvmClient } from './EvmClient.ts'
import { receiptOf } from './inclusion.ts'
import { recordOf, sameBytes, toHex } from './nodeValues.ts'

/** A transaction's receipt. @throws ChainUnavailable */
export function find(
  pool: EndpointPool<EvmClient>,
  txId: TxId,
  options: FindOptions,
): Promise<FoundTx | null> {
  return findAgreed(pool, (client, signal) => readReceipt(client, txId, signal), options)
}

async function readReceipt(client: EvmClient, txId: TxId, signal: AbortSignal): Promise<FoundTx | null> {
  const answer = await client.call('eth_getTransactionReceipt', [toHex(txId)], { signal })
  // Some nodes give a receipt for what is pending still.
  if (!isMined(answer)) return null
  const { txHash, blockHash, inclusion } = receiptOf(answer)
  if (!sameBytes(txHash, txId)) {
    throw new EndpointProblem('lied', 'The endpoint gave the receipt of another transaction.')
  }
  return {
    inclusion,
    block: { height: inclusion.height, hash: Buffer.from(blockHash).toString('hex') },
  }
}

/** Whether a receipt is one, of a transaction in a block. */
export function isMined(receipt: unknown): boolean {
  return receipt !== null && recordOf(receipt).blockHash !== null
}

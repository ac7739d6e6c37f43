import { sha256 } from '@noble/hashes/sha2.js'
import { toTxId } from '@veilcast/shared/protocol'
import { z } from 'zod'
import type { InspectedTx, Replacing } from '../ChainAdapter.ts'
import { addressOf } from './account.ts'
import { base64, type CometNode, int64 } from './cometNode.ts'
import { readSlot } from './decodeTx.ts'

const searchAnswer = z.object({ txs: z.array(z.object({ height: int64, tx: base64 })).nullish() })

/**
 * The transaction that used this one's sequence, from the node's index (the SDK tells it in `tx.acc_seq`): one call. Null
 * where the index does not hold it, or it lies above `height`.
 *
 * @throws EndpointProblem
 */
export async function findReplacing(
  node: CometNode,
  { account, sequence }: InspectedTx,
  height: bigint,
  bech32Prefix: string,
  signal: AbortSignal,
): Promise<Replacing | null> {
  const address = account && addressOf(account, bech32Prefix)
  if (!account || address === undefined) return null
  const query = `tx.acc_seq='${address}/${sequence}'`
  const params = { query, prove: false, page: '1', per_page: '1', order_by: 'desc' }
  const { txs } = await node.call('tx_search', params, searchAnswer, { signal, maxResponseBytes: 8_388_608 })
  const found = txs?.[0]
  if (!found || found.height > height) return null
  const slot = readSlot(found.tx)
  if (!slot || Buffer.compare(slot.account, account) !== 0 || slot.sequence !== sequence) return null
  return { txId: toTxId(sha256(found.tx)), height: found.height }
}

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { TxId } from '@veilcast/shared/protocol'
import { z } from 'zod'
import type { FoundTx } from '../ChainAdapter.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { base64, type CometNode, int64 } from './cometNode.ts'
import { orNullWhere } from './nodeWords.ts'
import { readBlockHash } from './readBlockHash.ts'
import { inclusionOf, txResult } from './txResult.ts'

const txAnswer = z.object({ height: int64, tx: base64, tx_result: txResult })

/**
 * Looks one transaction up in a node's index; null where it is not there. A node without an index cannot tell, and says
 * so.
 * @throws EndpointProblem
 */
export async function findTx(
  node: CometNode,
  cometChainId: string,
  txId: TxId,
  signal: AbortSignal,
): Promise<FoundTx | null> {
  const params = { hash: Buffer.from(txId).toString('base64'), prove: false }
  const found = await orNullWhere(
    /^tx \([0-9A-Fa-f]+\) not found/,
    node.call('tx', params, txAnswer, { signal, maxResponseBytes: 8_388_608 }),
  )
  if (!found) return null
  if (bytesToHex(sha256(found.tx)) !== bytesToHex(txId)) throw new EndpointProblem('lied')

  const hash = await readBlockHash(node, cometChainId, found.height, signal)
  // The block went between the two calls, or was pruned.
  if (hash === null) throw new EndpointProblem('none')
  const block = { height: found.height, hash }
  return { inclusion: inclusionOf(found.tx_result, block), block }
}

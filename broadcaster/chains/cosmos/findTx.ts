import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { TxId } from '@veilcast/shared/protocol'
import { z } from 'zod'
import type { FoundTx } from '../ChainAdapter.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { base64, type CometNode, hash32, int64 } from './cometNode.ts'
import { orNullWhere } from './nodeWords.ts'
import { inclusionOf, txResult } from './txResult.ts'

const txAnswer = z.object({ height: int64, tx: base64, tx_result: txResult })

const blockchainAnswer = z.object({
  block_metas: z
    .array(
      z.object({
        block_id: z.object({ hash: hash32 }),
        header: z.object({ chain_id: z.string(), height: int64 }),
      }),
    )
    .min(1),
})

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

  const height = found.height.toString()
  const { block_metas } = await node.call(
    'blockchain',
    { minHeight: height, maxHeight: height },
    blockchainAnswer,
    { signal },
  )
  const meta = block_metas[0]
  if (meta?.header.chain_id !== cometChainId) throw new EndpointProblem('wrongChain')
  if (meta.header.height !== found.height) throw new EndpointProblem('lied')
  const block = { height: found.height, hash: meta.block_id.hash }
  return { inclusion: inclusionOf(found.tx_result, block), block }
}

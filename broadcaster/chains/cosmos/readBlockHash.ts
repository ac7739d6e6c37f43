import { z } from 'zod'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { type CometNode, hash32, int64 } from './cometNode.ts'
import { orNullWhere } from './nodeWords.ts'

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

/** What a node says of a height that it has not reached or has pruned (CometBFT rpc/core/blocks.go, filterMinMax). */
const notThere = /can't be greater than max height/

/** The hash of the block at this height, from its header alone; null where the node does not have it. @throws EndpointProblem */
export async function readBlockHash(
  node: CometNode,
  cometChainId: string,
  blockHeight: bigint,
  signal: AbortSignal,
): Promise<string | null> {
  const height = blockHeight.toString()
  const answer = await orNullWhere(
    notThere,
    node.call('blockchain', { minHeight: height, maxHeight: height }, blockchainAnswer, { signal }),
  )
  const meta = answer?.block_metas[0]
  if (!meta) return null
  if (meta.header.chain_id !== cometChainId) throw new EndpointProblem('wrongChain')
  if (meta.header.height !== blockHeight) throw new EndpointProblem('lied')
  return meta.block_id.hash
}

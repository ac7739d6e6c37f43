import { z } from 'zod'
import type { Head } from '../ChainAdapter.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { type CometNode, hash32, int64, timeMs } from './cometNode.ts'

const statusAnswer = z.object({
  node_info: z.object({ network: z.string() }),
  sync_info: z.object({
    latest_block_hash: hash32,
    latest_block_height: int64,
    latest_block_time: timeMs,
    catching_up: z.boolean(),
  }),
})

/**
 * The node's newest block, on the right chain. With CometBFT each block is final; its results may come a moment later.
 * @throws EndpointProblem (`wrongChain`, `behind` while it catches up)
 */
export async function readStatus(
  node: CometNode,
  cometChainId: string,
  signal: AbortSignal,
): Promise<Omit<Head, 'from'>> {
  return headOfStatus(await node.call('status', {}, z.unknown(), { signal }), cometChainId)
}

/** @throws EndpointProblem (`wrongChain`, `behind` while it catches up, `unreachable` where it is none) */
export function headOfStatus(status: unknown, cometChainId: string): Omit<Head, 'from'> {
  const parsed = statusAnswer.safeParse(status)
  if (!parsed.success) throw new EndpointProblem('unreachable', 'Unreadable answer to status.')
  const { node_info, sync_info } = parsed.data
  if (node_info.network !== cometChainId) throw new EndpointProblem('wrongChain')
  if (sync_info.catching_up) throw new EndpointProblem('behind')
  return {
    height: sync_info.latest_block_height,
    hash: sync_info.latest_block_hash,
    timeMs: sync_info.latest_block_time,
    finalHeight: sync_info.latest_block_height,
  }
}

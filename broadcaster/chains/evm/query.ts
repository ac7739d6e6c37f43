import { resultOf } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { askReads } from '../reads/askReads.ts'
import { createChainReads } from '../reads/createChainReads.ts'
import { followHead } from '../reads/followHead.ts'
import { evmAskParts } from './askAt.ts'
import type { EvmChainConfig } from './config.ts'
import type { EvmClient } from './EvmClient.ts'
import { askChainId, checkChainId } from './head.ts'
import { hashOf, numberOf, quantityOf, recordOf, toHex } from './nodeValues.ts'
import { parseRead } from './reads.ts'

const askNewest = { method: 'eth_getBlockByNumber', params: ['latest', false] }

/** What wallets read of the chain, and the newest block as they see it. */
export function createQuery(pool: EndpointPool<EvmClient>, chainId: bigint, config: EvmChainConfig) {
  const follower = followHead(pool, async (client, signal) => {
    const [id, newest] = (await client.batch([askChainId, askNewest], { signal })).map(resultOf)
    checkChainId(id, chainId)
    const block = recordOf(newest)
    return {
      height: quantityOf(block.number),
      hash: toHex(hashOf(block.hash)),
      timeMs: numberOf(block.timestamp) * 1000,
    }
  })
  const parts = evmAskParts(pool, follower)
  const query = createChainReads({
    follower,
    parse: (method, params) => parseRead(method, params, chainId, config),
    ask: (calls, head) => askReads(parts, calls, head),
    maxCallsPerSecond: config.maxReadCallsPerSecond,
  })
  return { query, heard: follower.heard }
}

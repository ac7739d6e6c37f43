import { z } from 'zod'
import { resultOf } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { askReads } from '../reads/askReads.ts'
import { type Asked, createChainReads } from '../reads/createChainReads.ts'
import { followHead } from '../reads/followHead.ts'
import { restAskParts, rpcAskParts } from './askAt.ts'
import { type CometNode, int64 } from './cometNode.ts'
import type { CosmosChainConfig } from './config.ts'
import { headOfStatus } from './readStatus.ts'
import { type CosmosCall, type CosmosReadHead, parseRead } from './reads.ts'
import { withoutNode } from './withoutNode.ts'

const abciInfoAnswer = z.object({ response: z.object({ last_block_height: int64.nullish() }) })

/** What wallets read of the chain, and the newest block as they see it. */
export function createQuery(pool: EndpointPool<CometNode>, config: CosmosChainConfig) {
  const follower = followHead<CometNode, CosmosReadHead>(pool, async (node, signal) => {
    const [status, abciInfo] = (await node.raw.batch([askStatus, askAbciInfo], { signal })).map(resultOf)
    const head = headOfStatus(status, config.cometChainId)
    const info = abciInfoAnswer.safeParse(abciInfo)
    const visible = withoutNode(status)
    if (!info.success || visible === undefined) throw new EndpointProblem('unreachable')
    // A block is told of a moment before the state after it can be asked for.
    const height = info.data.response.last_block_height ?? 0n
    const isWhole = height >= head.height
    return {
      height: isWhole ? head.height : height,
      hash: isWhole ? head.hash : `${height}`,
      timeMs: head.timeMs,
      status: visible,
      abciInfo,
    }
  })
  const hasRest = config.endpoints.some(({ restUrl }) => restUrl !== undefined)
  const rpc = rpcAskParts(pool, follower)
  const rest = restAskParts(pool, follower)

  async function ask(calls: readonly CosmosCall[], head: CosmosReadHead): Promise<readonly Asked[]> {
    const rpcCalls = calls.filter((call) => call.kind === 'rpc')
    const restCalls = calls.filter((call) => call.kind === 'rest')
    const [rpcAsked, restAsked] = await Promise.all([
      rpcCalls.length > 0 ? askReads(rpc, rpcCalls, head) : [],
      restCalls.length > 0 ? askReads(rest, restCalls, head) : [],
    ])
    const [byRpc, byRest] = [rpcAsked.values(), restAsked.values()]
    return calls.map(({ kind }) => (kind === 'rpc' ? byRpc : byRest).next().value as Asked)
  }

  const query = createChainReads<CosmosReadHead, CosmosCall>({
    follower,
    parse: (method, params) => parseRead(method, params, { ...config, hasRest }),
    ask,
    maxCallsPerSecond: config.maxReadCallsPerSecond,
  })
  return { query, heard: follower.heard }
}

const askStatus = { method: 'status', params: {} }
const askAbciInfo = { method: 'abci_info', params: {} }

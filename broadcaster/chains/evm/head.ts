import type { Head, WaitOptions } from '../ChainAdapter.ts'
import { resultOf } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { EvmChainConfig } from './config.ts'
import type { EvmClient } from './EvmClient.ts'
import { hashOf, numberOf, quantityOf, recordOf, toQuantity } from './nodeValues.ts'

/**
 * The newest block at one endpoint, which says in the same request that it is on this chain: one that was switched since its
 * last probe would take the watcher elsewhere.
 * @throws ChainUnavailable
 */
export function readHead(
  pool: EndpointPool<EvmClient>,
  chainId: bigint,
  finality: EvmChainConfig['finality'],
  options: WaitOptions,
): Promise<Head> {
  const calls = headCalls(finality)
  return pool.ask(async (client, signal, { id: from }) => {
    const [id, latest, finalized] = (await client.batch([askChainId, ...calls], { signal })).map(resultOf)
    checkChainId(id, chainId)
    const block = recordOf(latest)
    const height = quantityOf(block.number)
    return {
      from,
      height,
      hash: hex(hashOf(block.hash)),
      parentHash: hex(hashOf(block.parentHash)),
      timeMs: numberOf(block.timestamp) * 1000,
      finalHeight: finalHeight(finality, height, finalized),
    }
  }, options)
}

function headCalls({ rule }: EvmChainConfig['finality']) {
  const tags = rule === 'finalized' ? ['latest', 'finalized'] : ['latest']
  return tags.map((tag) => ({ method: 'eth_getBlockByNumber', params: [tag, false] }))
}

/** See ChainAdapter. */
export async function isFinalElsewhere(
  pool: EndpointPool<EvmClient>,
  chainId: bigint,
  finality: EvmChainConfig['finality'],
  than: string,
  block: { readonly height: bigint; readonly hash: string },
  options: WaitOptions,
): Promise<boolean> {
  if (finality.rule === 'instant') return true
  const getBlock = { method: 'eth_getBlockByNumber', params: [toQuantity(block.height), false] }
  const calls = [askChainId, getBlock, ...headCalls(finality)]
  const ask = async (client: EvmClient, signal: AbortSignal): Promise<boolean> => {
    const [id, own, latest, finalized] = (await client.batch(calls, { signal })).map(resultOf)
    checkChainId(id, chainId)
    if (own === null || hex(hashOf(recordOf(own).hash)) !== block.hash) return false
    return finalHeight(finality, quantityOf(recordOf(latest).number), finalized) >= block.height
  }
  const said = await pool.askOthers(than, ask, (all) => all.some(({ answer }) => answer), options)
  return said.length === 0 || said.some(({ answer }) => answer)
}

/** The hash of the chain's block at this height, null where the endpoint has none. @throws ChainUnavailable */
export function readBlockHash(
  pool: EndpointPool<EvmClient>,
  chainId: bigint,
  height: bigint,
  options: WaitOptions,
): Promise<string | null> {
  const getBlock = { method: 'eth_getBlockByNumber', params: [toQuantity(height), false] }
  return pool.ask(async (client, signal) => {
    const [id, block] = (await client.batch([askChainId, getBlock], { signal })).map(resultOf)
    checkChainId(id, chainId)
    return block === null ? null : hex(hashOf(recordOf(block).hash))
  }, options)
}

export const askChainId = { method: 'eth_chainId', params: [] }

/** @throws EndpointProblem `wrongChain` */
export function checkChainId(answer: unknown, chainId: bigint): void {
  if (quantityOf(answer, 256) !== chainId) throw new EndpointProblem('wrongChain')
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function finalHeight(finality: EvmChainConfig['finality'], height: bigint, finalized: unknown): bigint {
  if (finality.rule === 'instant') return height
  if (finality.rule === 'confirmations') {
    const confirmed = height - BigInt(finality.confirmations)
    return confirmed > 0n ? confirmed : 0n
  }
  // A chain that has only begun has no finalized block yet.
  if (finalized === null) return 0n
  const tagged = quantityOf(recordOf(finalized).number)
  if (tagged > height) throw new EndpointProblem('none', 'The endpoint has a final block above its newest.')
  return tagged
}

import type { Head, WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { EvmChainConfig } from './config.ts'
import { type EvmClient, resultOf } from './EvmClient.ts'
import { hashOf, numberOf, quantityOf, recordOf } from './nodeValues.ts'

/** @throws ChainUnavailable */
export function readHead(
  pool: EndpointPool<EvmClient>,
  finality: EvmChainConfig['finality'],
  options: WaitOptions,
): Promise<Head> {
  const tags = finality.rule === 'finalized' ? ['latest', 'finalized'] : ['latest']
  const calls = tags.map((tag) => ({ method: 'eth_getBlockByNumber', params: [tag, false] }))
  return pool.ask(async (client, signal) => {
    const [latest, finalized] = (await client.batch(calls, { signal })).map(resultOf)
    const block = recordOf(latest)
    const height = quantityOf(block.number)
    return {
      height,
      hash: Buffer.from(hashOf(block.hash)).toString('hex'),
      timeMs: numberOf(block.timestamp) * 1000,
      finalHeight: finalHeight(finality, height, finalized),
    }
  }, options)
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

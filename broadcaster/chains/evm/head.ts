import type { Head, WaitOptions } from '../ChainAdapter.ts'
import { resultOf } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { EvmChainConfig } from './config.ts'
import type { EvmClient } from './EvmClient.ts'
import { hashOf, numberOf, quantityOf, recordOf, toQuantity } from './nodeValues.ts'

/** Blocks that are known to be of this chain. */
const maxKnownHashes = 64
/** What is final is not asked more often: with a new block, and without one, as where another chain decides on it. */
const finalPauseMs = 1_000
const idleFinalPauseMs = 5_000

/**
 * Reads the newest block at one endpoint: one call while there is no new one. Of a block that is neither known nor the child of
 * one that is, the endpoint has to say in the next request that it is on this chain: one that was switched since its last probe
 * would take the watcher elsewhere.
 *
 * @param heard is given each newest block as the endpoint told it
 */
export function createReadHead(
  pool: EndpointPool<EvmClient>,
  chainId: bigint,
  finality: EvmChainConfig['finality'],
  heard: (block: Readonly<Record<string, unknown>>) => void,
): (options: WaitOptions) => Promise<Head> {
  const known = new Set<string>()
  let final:
    | { readonly from: string; readonly height: bigint; readonly at: string; readonly askedAtMs: number }
    | undefined

  function isFinalKnown(height: bigint, hash: string): boolean {
    if (finality.rule !== 'finalized') return true
    if (final === undefined || final.height > height) return false
    const pauseMs = final.at === hash ? idleFinalPauseMs : finalPauseMs
    return performance.now() - final.askedAtMs < pauseMs
  }

  return (options) =>
    pool.ask(async (client, signal, { id }) => {
      const block = recordOf(await client.call('eth_getBlockByNumber', ['latest', false], { signal }))
      const height = quantityOf(block.number)
      const hash = hex(hashOf(block.hash))
      const parentHash = hex(hashOf(block.parentHash))
      const isOurs = known.has(hash) || known.has(parentHash)
      const asksFinal = !isFinalKnown(height, hash)
      const calls = [...(isOurs ? [] : [askChainId]), ...(asksFinal ? [askFinalized] : [])]
      if (calls.length > 0) {
        const results = (await client.batch(calls, { signal })).map(resultOf)
        if (!isOurs) checkChainId(results[0], chainId)
        if (asksFinal) {
          const told = finalHeight(finality, height, results.at(-1))
          final = { from: id, height: told, at: hash, askedAtMs: performance.now() }
        }
      }
      known.delete(hash)
      known.add(hash)
      for (const oldest of known) {
        if (known.size <= maxKnownHashes) break
        known.delete(oldest)
      }
      heard(block)
      return {
        from: final?.from ?? id,
        height,
        hash,
        parentHash,
        timeMs: numberOf(block.timestamp) * 1000,
        finalHeight: final?.height ?? finalHeight(finality, height, undefined),
      }
    }, options)
}

const askFinalized = { method: 'eth_getBlockByNumber', params: ['finalized', false] }

function headCalls({ rule }: EvmChainConfig['finality']) {
  const latest = { method: 'eth_getBlockByNumber', params: ['latest', false] }
  return rule === 'finalized' ? [latest, askFinalized] : [latest]
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

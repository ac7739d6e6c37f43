import { fetchJsonRpc } from '../chains/endpoints/jsonRpc.ts'
import { askNode, askRestNode, NodeAway, type NodeIdentity } from '../config/askNode.ts'
import { ConfigError } from '../config/config.ts'
import type { SetupChain, SetupEndpoint } from './Setup.ts'

/** One endpoint as the operator names it. */
export interface Named {
  readonly url: string
  /** CAIP-2, where it was said. */
  readonly chain?: string | undefined
  readonly operator?: string | undefined
  readonly restUrl?: string | undefined
}

/** What is known of one that was looked at. */
export interface FoundEndpoint {
  readonly named: Named
  readonly identity: Pick<NodeIdentity, 'chain' | 'cometChainId' | 'bech32Prefix'>
  readonly finality: NonNullable<SetupChain['finality']>
  /** Where it did not answer. */
  readonly away?: string
}

/** Chains of one's own machine, which finalize nothing. */
const devChains = new Set(['eip155:31337', 'eip155:1337'])

/**
 * Asks a node which chain it is on.
 * @throws ConfigError where it is on another than was said, or did not answer and there is nobody else to say which chain it is
 */
export async function findChain(named: Named, signal: AbortSignal): Promise<FoundEndpoint> {
  let identity: NodeIdentity
  try {
    identity = await askNode(named, signal)
  } catch (error) {
    if (!(error instanceof NodeAway)) throw error
    if (!named.chain?.startsWith('eip155:')) {
      throw new ConfigError(
        named.chain
          ? `The endpoint of ${named.chain} ${error.message}, so that its address prefix is not known.`
          : `An endpoint without a chain's name ${error.message}, so that its chain is not known.`,
      )
    }
    return { named, identity: { chain: named.chain }, finality: 'finalized', away: error.message }
  }
  if (named.chain !== undefined && named.chain !== identity.chain) {
    throw new ConfigError(`The endpoint that was named for ${named.chain} is on ${identity.chain}.`)
  }
  return { named, identity, finality: await finalityOf(named, identity.chain, signal) }
}

/** @throws ConfigError where it is the REST API of no such chain */
export async function checkRest(url: string, cometChainId: string, signal: AbortSignal): Promise<void> {
  const network = await askRestNode({ url }, signal).catch((error: unknown) => {
    throw error instanceof NodeAway ? new ConfigError(`The REST API ${error.message}.`) : error
  })
  if (network !== cometChainId) throw new ConfigError('The REST API is on another chain.')
}

async function finalityOf(
  { url }: Named,
  chain: string,
  signal: AbortSignal,
): Promise<FoundEndpoint['finality']> {
  if (devChains.has(chain)) return 'instant'
  if (!chain.startsWith('eip155:')) return 'finalized'
  const params = ['finalized', false]
  const block = await fetchJsonRpc(url, 'eth_getBlockByNumber', params, { timeoutMs: 5_000, signal }).catch(
    () => undefined,
  )
  signal.throwIfAborted()
  return typeof block === 'object' && block !== null ? 'finalized' : 'confirmations'
}

/** Endpoints of one chain together, each with an id of its own. */
export function gatherChains(found: readonly FoundEndpoint[]): readonly SetupChain[] {
  const chains = new Map<string, FoundEndpoint[]>()
  for (const one of found) {
    const { chain } = one.identity
    chains.set(chain, [...(chains.get(chain) ?? []), one])
  }
  return [...chains].map(([chain, list]) => {
    const { cometChainId, bech32Prefix } = list.find(({ away }) => !away)?.identity ?? {}
    return {
      chain,
      ...(chain.startsWith('cosmos:')
        ? {
            bech32Prefix,
            ...(chain === `cosmos:${cometChainId}` ? {} : { cometChainId }),
          }
        : { finality: list.find(({ away }) => !away)?.finality ?? 'finalized' }),
      endpoints: withIds(list.map(({ named }) => named)),
    }
  })
}

/** By its operator's name; without one it is `node-<number>`, and its own operator. */
function withIds(list: readonly Named[]): readonly SetupEndpoint[] {
  const count = new Map<string, number>()
  return list.map(({ url, operator: said, restUrl }, index) => {
    const operator = said ?? `node-${index + 1}`
    const before = count.get(operator) ?? 0
    count.set(operator, before + 1)
    const id = before === 0 ? operator : `${operator}-${before + 1}`
    return { id, operator, url, ...(restUrl ? { restUrl } : {}) }
  })
}

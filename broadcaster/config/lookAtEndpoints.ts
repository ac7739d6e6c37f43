import { askNode, askRestNode, NodeAway, type NodeIdentity } from './askNode.ts'
import type { ChainSetting } from './chainConfig.ts'

export interface Look {
  readonly chain: string
  readonly endpoint: string
  /** `wrong`: it will never do as it is written. `away`: it may come back. */
  readonly state: 'ok' | 'away' | 'wrong'
  /** Names endpoints, operators and chains, and no URL. */
  readonly found: string
}

interface Seen {
  readonly chain: ChainSetting
  readonly endpoint: ChainSetting['endpoints'][number]
  readonly identity: NodeIdentity | undefined
  /** Where its requests go: host, port and path. */
  readonly place: string
  readonly away: string | undefined
}

/**
 * Asks each endpoint which chain it is on, and who it is: one of another chain, or one node that is named as two operators'
 * (and would vouch for itself) is a mistake in the configuration.
 */
export async function lookAtEndpoints(
  chains: readonly ChainSetting[],
  signal?: AbortSignal,
): Promise<readonly Look[]> {
  const seen = await Promise.all(
    chains.flatMap((chain) => chain.endpoints.map((endpoint) => see(chain, endpoint, signal))),
  )
  return Promise.all(
    seen.map(async (one) => {
      const named = { chain: one.chain.chain, endpoint: one.endpoint.id }
      const wrong = (await whatIsWrong(one, signal)) ?? mixedUp(one, seen)
      if (wrong) return { ...named, state: 'wrong', found: wrong }
      if (one.away) return { ...named, state: 'away', found: one.away }
      return { ...named, state: 'ok', found: 'on its chain' }
    }),
  )
}

async function see(
  chain: ChainSetting,
  endpoint: Seen['endpoint'],
  signal: AbortSignal | undefined,
): Promise<Seen> {
  const place = placeOf(endpoint.url)
  try {
    return { chain, endpoint, place, identity: await askNode(endpoint, signal), away: undefined }
  } catch (error) {
    if (!(error instanceof NodeAway)) throw error
    return { chain, endpoint, place, identity: undefined, away: error.message }
  }
}

async function whatIsWrong(
  { chain, endpoint, identity }: Seen,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (identity && identity.chain !== chain.chain) return `is on ${identity.chain}, and not on ${chain.chain}`
  if (identity?.bech32Prefix !== undefined && chain.bech32Prefix !== identity.bech32Prefix) {
    return `says that addresses begin with ${identity.bech32Prefix}: set bech32Prefix to that`
  }
  if (endpoint.restUrl === undefined || chain.cometChainId === undefined) return undefined
  try {
    const network = await askRestNode({ url: endpoint.restUrl, headers: endpoint.headers }, signal)
    return network === chain.cometChainId ? undefined : 'has a restUrl that is on another chain'
  } catch (error) {
    if (!(error instanceof NodeAway)) throw error
    return undefined
  }
}

function mixedUp(one: Seen, all: readonly Seen[]): string | undefined {
  const others = all.filter((other) => other.chain === one.chain && other !== one)
  const same = others.find(
    (other) =>
      other.endpoint.operator !== one.endpoint.operator &&
      (other.place === one.place ||
        (one.identity?.nodeId !== undefined && other.identity?.nodeId === one.identity.nodeId)),
  )
  if (same) {
    return `is the same node as ${same.endpoint.id}, and would be its own witness: give both one operator, or name another node`
  }
  const first = all.find((other) => other.chain === one.chain && other.identity?.genesis !== undefined)
  return one.identity?.genesis !== undefined && first?.identity?.genesis !== one.identity.genesis
    ? `has another first block than ${first?.endpoint.id}: one of them is on another chain of the same id`
    : undefined
}

/** Where requests go. Names are not looked up: many hosts share an address. */
function placeOf(url: string): string {
  const { protocol, hostname, port, pathname, search } = new URL(url)
  const host = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) ? 'loopback' : hostname
  return `${host} ${port || protocol} ${pathname}${search}`
}

import type { VeilcastClient } from '../createClient.ts'
import type { Traffic } from './countTraffic.ts'
import { type Chains, referenceOf } from './learnChains.ts'
import type { Tallies } from './tallyCalls.ts'
import type { Watched } from './watchClient.ts'

/** What the page shows. No address, no whole hash, no URL: it is made to be shown to others. */
export interface EndpointState {
  readonly runningMs: number
  readonly transport: string | undefined
  readonly broadcaster: {
    readonly roundTripMs: number | undefined
    /** Undefined before the first reply, or where traffic is not counted. */
    readonly lastReplyAgoMs: number | undefined
  }
  readonly chains: readonly {
    readonly chain: string
    readonly path: string
    readonly live: boolean
    readonly height: string
  }[]
  readonly calls: ReturnType<Tallies['rows']>
  readonly submits: readonly Omit<Watched, 'sinceMs'>[]
  readonly traffic: Omit<Traffic, 'lastReplyAtMs'> | undefined
}

export function describeState(parts: {
  readonly client: VeilcastClient
  readonly chains: Chains
  readonly tallies: Tallies
  readonly submits: () => readonly Watched[]
  readonly traffic: (() => Traffic) | undefined
  readonly transport: string | undefined
  readonly startedAtMs: number
}): EndpointState {
  const now = performance.now()
  const info = parts.chains.known()
  const { lastReplyAtMs, ...traffic } = parts.traffic?.() ?? { lastReplyAtMs: undefined }
  return {
    runningMs: Math.round(now - parts.startedAtMs),
    transport: parts.transport,
    broadcaster: {
      roundTripMs: whole(parts.tallies.answerMs() ?? info?.roundTripMs),
      lastReplyAgoMs: lastReplyAtMs === undefined ? undefined : Math.round(now - lastReplyAtMs),
    },
    chains: (info?.chains ?? []).map(({ chain, live, height }) => {
      const heard = parts.client.head(chain)?.height ?? 0n
      return {
        chain,
        path: pathOf(chain, info?.chains ?? []),
        live,
        height: String(heard > height ? heard : height),
      }
    }),
    calls: parts.tallies.rows(),
    submits: parts.submits().map(({ sinceMs: _, ...rest }) => rest),
    traffic: parts.traffic ? (traffic as Omit<Traffic, 'lastReplyAtMs'>) : undefined,
  }
}

/** `/1` for `eip155:1`, unless another chain has the same reference. */
export function pathOf(chain: string, all: readonly { readonly chain: string }[]): string {
  const reference = referenceOf(chain)
  return all.some((other) => other.chain !== chain && referenceOf(other.chain) === reference)
    ? `/${chain}`
    : `/${reference}`
}

const whole = (value: number | undefined) => (value === undefined ? undefined : Math.round(value))

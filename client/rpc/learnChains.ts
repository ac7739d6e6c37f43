import type { ServedChain } from '@veilcast/shared/protocol'
import type { VeilcastClient } from '../createClient.ts'
import type { BroadcasterInfo } from '../info.ts'

/** A name that is not on the list makes us ask for the list again, this often at most. */
const askAgainAfterMs = 60_000

export interface Chains {
  /** What was last heard; undefined before. */
  known(): BroadcasterInfo | undefined
  /** Asks, and waits for the answer. @throws VeilcastError */
  learn(): Promise<BroadcasterInfo>
  /** By its CAIP-2 id, or by its reference where no other chain has the same. @throws VeilcastError while nothing is known */
  find(name: string): Promise<ServedChain | undefined>
}

/** Which chains there are is the broadcaster's to say. */
export function learnChains(client: VeilcastClient, timeoutMs: number): Chains {
  let last: { readonly info: BroadcasterInfo; readonly atMs: number } | undefined
  let asking: Promise<BroadcasterInfo> | undefined

  const learn = () => {
    asking ??= client
      .info({}, { timeoutMs })
      .then((info) => {
        last = { info, atMs: performance.now() }
        return info
      })
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  return {
    known: () => last?.info,
    learn,
    async find(name) {
      const found = last && pick(last.info.chains, name)
      if (found) return found
      if (last && performance.now() - last.atMs < askAgainAfterMs) return undefined
      return pick((await learn()).chains, name)
    },
  }
}

function pick(chains: readonly ServedChain[], name: string): ServedChain | undefined {
  const exact = chains.find(({ chain }) => chain === name)
  if (exact) return exact
  const [one, another] = chains.filter(({ chain }) => referenceOf(chain) === name)
  return another ? undefined : one
}

export function referenceOf(chain: string): string {
  return chain.slice(chain.indexOf(':') + 1)
}

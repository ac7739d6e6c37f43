import type { VeilcastClient } from '../createClient.ts'
import type { CosmosNode } from './nodes.ts'

/** What is known of a chain's newest block without asking; undefined where nothing is. */
export type Head = VeilcastClient['head']

/** Without a word of the broadcaster's about how long its newest block will last. */
const defaultPauseMs = 3_000
const minPauseMs = 250
const maxPauseMs = 60_000

interface Block {
  readonly block?: { readonly header?: { readonly height?: string } }
}

/**
 * Tells each new block that is seen, as CometBFT's event NewBlock does: one read per block, at the pace at which the
 * broadcaster says that blocks come. Some are left out where blocks come faster than answers.
 */
export function followBlocks(node: CosmosNode, head: Head, hear: (data: object) => void): { stop(): void } {
  const leaving = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let last: string | undefined
  const look = async () => {
    try {
      const answer = (await node.request({ method: 'block' }, { signal: leaving.signal })) as Block
      failures = 0
      const height = answer.block?.header?.height
      // The block that is there already was not asked for.
      if (height !== undefined && last !== undefined && height !== last && !leaving.signal.aborted)
        hear({ type: 'tendermint/event/NewBlock', value: answer })
      last = height ?? last
    } catch {
      failures += 1
    }
    if (!leaving.signal.aborted) timer = setTimeout(look, pauseMs(node.chain, failures, head))
  }
  timer = setTimeout(look, 0)
  return {
    stop() {
      clearTimeout(timer)
      leaving.abort()
    },
  }
}

function pauseMs(chain: string, failures: number, head: Head): number {
  if (failures > 0) return Math.min(maxPauseMs, 1_000 * 2 ** Math.min(failures, 10))
  const untilMs = head(chain)?.freshUntilMs
  const leftMs = untilMs === undefined ? defaultPauseMs : untilMs - performance.now()
  return Math.min(maxPauseMs, Math.max(minPauseMs, leftMs))
}

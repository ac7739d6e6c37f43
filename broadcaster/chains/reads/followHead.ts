import { ChainUnavailable, type EndpointHealth, type WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { untilAborted } from '../endpoints/withDeadline.ts'
import { createPace } from './pace.ts'

/** The newest block as reads see it, and who told of it. */
export interface ReadHead<Client> {
  readonly height: bigint
  readonly hash: string
  /** Chain's own time, milliseconds since 1970. */
  readonly timeMs: number
  /** The endpoint that has it for sure: asked first. */
  readonly at: Client
}

export interface HeadFollower<Client, Head = ReadHead<Client>> {
  /** Looked at anew where the last look is older than a quarter of the block interval, 250 ms to 1 s. @throws ChainUnavailable */
  newest(options?: WaitOptions): Promise<Head>
  /** A block that others saw: a newer one than ours is looked for at the next read. */
  heard(height: bigint, timeMs: number): void
  /** No endpoint but its own knows this block: the next look takes any other. */
  distrust(): void
  /** 0 before the first look. */
  height(): bigint
  /** See `Pace`. */
  freshMs(): number
}

const minLookPauseMs = 250
const maxLookPauseMs = 1_000
const lookPauseBeforePaceMs = 500
/** Above the second highest of three operators or more, a newest block is taken for made up. */
const maxBlocksAhead = 100n

/**
 * Looks only while somebody reads, once for all who do. It does not go back behind a block that was seen, unless all endpoints say
 * so: a node that is a block late would otherwise make nonces and balances jump back.
 *
 * @param readHead the newest block at one endpoint. @throws EndpointProblem
 */
export function followHead<Client, Head extends ReadHead<Client> = ReadHead<Client>>(
  pool: EndpointPool<Client>,
  readHead: (client: Client, signal: AbortSignal) => Promise<Omit<Head, 'at'>>,
): HeadFollower<Client, Head> {
  const pace = createPace()
  let head: Head | undefined
  let heardHeight = 0n
  let lookedAtMs = Number.NEGATIVE_INFINITY
  let looking: Promise<Head> | undefined

  async function look(atLeast: bigint): Promise<Head> {
    return pool.askForWallet(async (client, signal) => {
      const told = { ...(await readHead(client, signal)), at: client } as Head
      if (told.height < atLeast || told.height > highestPlausible(pool)) throw new EndpointProblem('none')
      return told
    })
  }

  async function lookAnew(): Promise<Head> {
    const startedAtMs = performance.now()
    const known = head && head.height > heardHeight ? head.height : heardHeight
    const told = await look(known).catch((error: unknown) => {
      if (known === 0n || !(error instanceof ChainUnavailable)) throw error
      return look(0n)
    })
    lookedAtMs = startedAtMs
    heardHeight = 0n
    pace.saw(told.height, told.timeMs)
    // The same block from another endpoint is no news.
    if (head?.hash !== told.hash) head = told
    return head as Head
  }

  function pauseMs(): number {
    const interval = pace.intervalMs()
    if (interval === undefined) return lookPauseBeforePaceMs
    return Math.min(Math.max(interval / 4, minLookPauseMs), maxLookPauseMs)
  }

  return {
    newest({ signal } = {}) {
      if (head && performance.now() - lookedAtMs < pauseMs()) return Promise.resolve(head)
      looking ??= lookAnew().finally(() => {
        looking = undefined
      })
      return untilAborted(looking, signal)
    },
    heard(height, timeMs) {
      pace.saw(height, timeMs)
      if (!head || height <= head.height) return
      heardHeight = height
      lookedAtMs = Number.NEGATIVE_INFINITY
    },
    distrust() {
      head = undefined
      heardHeight = 0n
      lookedAtMs = Number.NEGATIVE_INFINITY
    },
    height: () => head?.height ?? 0n,
    freshMs: () => pace.freshMs(),
  }
}

function highestPlausible(pool: { health(): readonly EndpointHealth[] }): bigint {
  const byOperator = new Map<string, bigint>()
  for (const { live, operator, height } of pool.health()) {
    if (live && height > (byOperator.get(operator) ?? -1n)) byOperator.set(operator, height)
  }
  const heights = [...byOperator.values()].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
  const second = heights[1]
  return heights.length >= 3 && second !== undefined ? second + maxBlocksAhead : BigInt(2 ** 62)
}

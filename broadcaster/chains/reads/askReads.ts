import { ChainUnavailable } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { noLiveEndpoint } from './answerAs.ts'
import type { Asked } from './createChainReads.ts'
import type { HeadFollower, ReadHead } from './followHead.ts'

/** Why another endpoint is asked, and what is said where none does better. */
export interface Elsewhere {
  readonly why: 'noBlock' | 'method'
  readonly else: Asked
}

export interface AskParts<Client, Call> {
  readonly pool: EndpointPool<Client>
  readonly follower: HeadFollower<Client>
  /**
   * All of them at one endpoint; an answer each, in their order.
   * @param isOfHead whether it has the newest block for sure
   * @throws EndpointProblem
   */
  askAt(
    client: Client,
    calls: readonly Call[],
    isOfHead: boolean,
    signal: AbortSignal,
  ): Promise<readonly (Asked | Elsewhere)[]>
  /** The same call by the node's own newest block; undefined where it does not name ours. */
  byOwnNewest(call: Call): Call | undefined
  /** Others are not asked. Default: all. */
  among?(client: Client): boolean
}

/**
 * All calls together at the endpoint that told of the newest block; what it cannot answer, or all where it fails, goes to another.
 * A block that nobody else has may be made up: then nodes are asked for what they take for the newest, and the answers are kept for
 * nobody.
 */
export async function askReads<Client, Call>(
  parts: AskParts<Client, Call>,
  calls: readonly Call[],
  head: ReadHead<Client>,
): Promise<readonly Asked[]> {
  const told = await askInTurn(parts, calls, head)
  const again: { readonly index: number; readonly call: Call }[] = []
  for (const [index, call] of calls.entries()) {
    const one = told[index]
    const byOwnNewest = one && 'why' in one && one.why === 'noBlock' ? parts.byOwnNewest(call) : undefined
    if (byOwnNewest) again.push({ index, call: byOwnNewest })
  }
  if (again.length > 0) {
    parts.follower.distrust()
    const answers = await askInTurn(
      parts,
      again.map(({ call }) => call),
      head,
    )
    for (const [at, { index }] of again.entries()) {
      const one = answers[at]
      if (one && !('why' in one)) told[index] = { ...one, lasting: false }
    }
  }
  return told.map((one) => (one && 'why' in one ? one.else : one) ?? unanswered)
}

const unanswered: Asked = { answer: noLiveEndpoint, lasting: false }

/** What each call came to; undefined where no endpoint answered. */
async function askInTurn<Client, Call>(
  { pool, askAt, among }: AskParts<Client, Call>,
  calls: readonly Call[],
  head: ReadHead<Client>,
): Promise<(Asked | Elsewhere | undefined)[]> {
  const told: (Asked | Elsewhere | undefined)[] = calls.map(() => undefined)
  const isOpen = ({ index }: { index: number }) => {
    const one = told[index]
    return one === undefined || 'why' in one
  }
  const all = calls.map((call, index) => ({ call, index }))
  try {
    await pool.askForWallet(
      async (client, signal) => {
        const open = all.filter(isOpen)
        const answers = await askAt(
          client,
          open.map(({ call }) => call),
          client === head.at,
          signal,
        )
        for (const [at, { index }] of open.entries()) told[index] = answers[at]
        if (open.some(isOpen)) throw new EndpointProblem('none')
      },
      { first: head.at, ...(among && { among }) },
    )
  } catch (error) {
    if (!(error instanceof ChainUnavailable)) throw error
  }
  return told
}

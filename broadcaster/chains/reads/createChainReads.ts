import { wireError } from '@veilcast/shared/errors'
import type { ReadAnswer } from '@veilcast/shared/protocol'
import {
  type AskedRead,
  ChainUnavailable,
  type QueryAnswers,
  ReadRefused,
  type WaitOptions,
} from '../ChainAdapter.ts'
import { untilAborted } from '../endpoints/withDeadline.ts'
import { noLiveEndpoint, resultAnswer } from './answerAs.ts'
import type { HeadFollower } from './followHead.ts'
import { limitRate } from './limitRate.ts'
import { type RememberedAnswers, rememberAnswers } from './rememberAnswers.ts'

/** How long an answer serves others: not at all, until there is another newest block, or as long as there is room. */
export type Keep = 'never' | 'block' | 'always'

/** Known here, without a node. */
export interface KnownRead {
  readonly kind: 'known'
  readonly value: unknown
}

/** A read for one newest block. */
export interface PlannedRead<Call> {
  readonly kind: 'planned'
  /** Equal where the question is, however it was written. */
  readonly key: string
  readonly keep: Keep
  readonly call: Call
}

export type ParsedRead<Head, Call> =
  | KnownRead
  | { readonly kind: 'asked'; plan(head: Head): KnownRead | PlannedRead<Call> }

export interface Asked {
  readonly answer: ReadAnswer
  /** Whether it may be kept for others as its plan says: it is of the block that was asked for. */
  readonly lasting: boolean
}

export interface ChainReadsParts<Head, Call> {
  readonly follower: Pick<HeadFollower<unknown, Head>, 'newest' | 'height' | 'freshMs'>
  /** @throws ReadRefused */
  readonly parse: (method: string, params: unknown) => ParsedRead<Head, Call>
  /** Asks one endpoint for all of them; an answer each, in their order. @throws ChainUnavailable */
  readonly ask: (calls: readonly Call[], head: Head) => Promise<readonly Asked[]>
  /** Calls to nodes, for all wallets together; further ones are `busy`. */
  readonly maxCallsPerSecond: number
}

/** So long one waits for another's equal question; then one asks oneself: whoever puts a slow one beside it holds nobody up. */
const maxJoinMs = 1_000
const maxCallsUnderWay = 512
const blockLimits = { maxEntries: 8_192, maxBytes: 16 * 1_048_576 }
const alwaysLimits = { maxEntries: 4_096, maxBytes: 8 * 1_048_576 }

/** What is known of one newest block. Another one begins anew, so that nothing of an older one is taken for it. */
interface View<Head> {
  readonly head: Head
  readonly answers: RememberedAnswers
  readonly inFlight: Map<string, Promise<ReadAnswer>>
}

/**
 * The reads of one chain. What was asked of the newest block is asked of it by its height, so that all answers of a message belong
 * together; each question goes to a node once for a block, whoever asks it.
 */
export function createChainReads<Head, Call>(parts: ChainReadsParts<Head, Call>) {
  const { follower, parse, ask } = parts
  const always = rememberAnswers(alwaysLimits)
  const rate = limitRate(parts.maxCallsPerSecond)
  let view: View<Head> | undefined
  let callsUnderWay = 0

  function viewOf(head: Head): View<Head> {
    if (view?.head !== head) {
      view = { head, answers: rememberAnswers(blockLimits), inFlight: new Map() }
    }
    return view
  }

  function busy(count: number): ReadAnswer | undefined {
    const retryAfterMs = callsUnderWay + count > maxCallsUnderWay ? 1_000 : rate.take(count)
    if (retryAfterMs === 0) return undefined
    return { kind: 'failed', error: wireError('busy', { retryAfterMs }) }
  }

  /** Not bound to who asked first: others may wait for it too. Never rejects with what an endpoint did. */
  async function send(
    planned: readonly PlannedRead<Call>[],
    from: View<Head>,
  ): Promise<readonly ReadAnswer[]> {
    const refused = busy(planned.length)
    if (refused) return planned.map(() => refused)
    callsUnderWay += planned.length
    try {
      const asked = await ask(
        planned.map(({ call }) => call),
        from.head,
      )
      return planned.map(({ key, keep }, index) => {
        const { answer, lasting } = asked[index] ?? { answer: noLiveEndpoint, lasting: false }
        if (lasting && keep === 'block') from.answers.set(key, answer)
        if (lasting && keep === 'always') always.set(key, answer)
        return answer
      })
    } catch (error) {
      if (error instanceof ChainUnavailable || isAbort(error)) return planned.map(() => noLiveEndpoint)
      throw error
    } finally {
      callsUnderWay -= planned.length
    }
  }

  return async function answerReads(
    reads: readonly AskedRead[],
    { signal }: WaitOptions = {},
  ): Promise<QueryAnswers> {
    const counts = { refused: 0, here: 0, cached: 0, shared: 0, node: 0 }
    const parsed = reads.map(({ method, params }) => orRefusal(() => parse(method, params)))
    const needHead = parsed.some(({ kind }) => kind === 'asked')
    const head = needHead ? await newestOrNone(signal) : undefined
    const from = head && viewOf(head)

    // From here to their sending in one turn of the event loop: what is equal is found under way, what is new goes together.
    const toAsk: PlannedRead<Call>[] = []
    const sent = Promise.resolve().then(() => (from && toAsk.length > 0 ? send(toAsk, from) : []))
    const waits = parsed.map((read): Promise<ReadAnswer> | ReadAnswer => {
      const plan = read.kind !== 'asked' ? read : from && orRefusal(() => read.plan(from.head))
      if (!plan || !from || plan.kind !== 'planned') return answerHere(plan, counts)
      const known = plan.keep === 'always' ? always.get(plan.key) : from.answers.get(plan.key)
      if (known) {
        counts.cached++
        return known
      }
      const shared = from.inFlight.get(plan.key)
      if (shared) {
        counts.shared++
        const alone = async () => (await send([plan], from))[0] ?? noLiveEndpoint
        return orAfter(maxJoinMs, shared, alone)
      }
      counts.node++
      const index = toAsk.push(plan) - 1
      const mine = sent
        .then((list) => list[index] ?? noLiveEndpoint)
        .finally(() => from.inFlight.delete(plan.key))
      mine.catch(() => {})
      from.inFlight.set(plan.key, mine)
      return mine
    })
    sent.catch(() => {})
    const answers = await Promise.all(
      waits.map((wait) =>
        untilAborted(Promise.resolve(wait), signal).catch((error: unknown) => {
          if (signal?.aborted) return noLiveEndpoint
          throw error
        }),
      ),
    )
    return { height: follower.height(), freshMs: follower.freshMs(), answers, counts }
  }

  function answerHere(
    plan: RefusedRead | KnownRead | PlannedRead<Call> | undefined,
    counts: { refused: number; here: number },
  ): ReadAnswer {
    if (plan?.kind === 'refused') {
      counts.refused++
      return plan.answer
    }
    if (plan?.kind !== 'known') return noLiveEndpoint
    counts.here++
    return resultAnswer(plan.value)
  }

  async function newestOrNone(signal: AbortSignal | undefined): Promise<Head | undefined> {
    try {
      return await follower.newest(signal ? { signal } : {})
    } catch (error) {
      if (error instanceof ChainUnavailable || signal?.aborted || isAbort(error)) return undefined
      throw error
    }
  }
}

interface RefusedRead {
  readonly kind: 'refused'
  readonly answer: ReadAnswer
}

function orRefusal<T>(parse: () => T): T | RefusedRead {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ReadRefused)
      return { kind: 'refused', answer: { kind: 'failed', error: error.error } }
    throw error
  }
}

/** The pool was stopped. */
function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

async function orAfter<T>(limitMs: number, shared: Promise<T>, alone: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs)
  })
  try {
    const first = await Promise.race([shared.then((answer) => ({ answer })), late])
    return first ? first.answer : await alone()
  } finally {
    clearTimeout(timer)
  }
}

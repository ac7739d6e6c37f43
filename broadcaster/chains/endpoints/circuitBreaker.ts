import type { EndpointHealth } from '../ChainAdapter.ts'

export type Trouble = Exclude<EndpointHealth['trouble'], 'none'>

/**
 * Whether an endpoint is asked. One trouble opens it: another endpoint answers meanwhile. A good probe makes it half open, where
 * a few questions are let through, one at a time; that all are answered closes it, and one trouble opens it again.
 */
export interface CircuitBreaker {
  readonly state: EndpointHealth['breaker']
  /** Why it is open, `none` where it is not. */
  readonly trouble: EndpointHealth['trouble']
  /** Milliseconds since 1970, undefined where it is closed. */
  readonly openedAtMs: number | undefined
  /** Questions of the trial that are under way. */
  readonly underWay: number
  /** @returns how long nothing is asked, in probe intervals */
  open(trouble: Trouble): number
  /** What fails while it is open is one trouble with what opened it, unless it is a worse one. */
  isNews(trouble: Trouble): boolean
  /** A probe was answered as it should be. */
  probed(): void
  /** A question is about to be asked; `ended` is to be called once it was. */
  entered(): void
  ended(isAnswered: boolean): void
}

/** What the first probe has to wait after trouble, in probe intervals; doubles with each further opening, up to the limit. */
const openIntervals: Record<Trouble, number> = {
  unreachable: 1,
  behind: 1,
  rateLimited: 4,
  wrongChain: 10,
  lied: 20,
}
const maxOpenIntervals = 20
/** Openings that are held against it; 2^5 is over the limit for the smallest wait. */
const maxOpenings = 6
/** Answers that close it; good probes count, so that it closes where nobody asks. */
const trialAnswers = 3
export const maxTrialsAtOnce = 1

/** Open from the start, until the first good probe closes it without a trial: it has not failed yet. */
export function createCircuitBreaker(): CircuitBreaker {
  let state: CircuitBreaker['state'] = 'open'
  let trouble: CircuitBreaker['trouble'] = 'unreachable'
  let openedAtMs: number | undefined
  let underWay = 0
  let answers = 0
  /** Each good probe while it is closed makes up for one. */
  let openings = 0

  function close(): void {
    state = 'closed'
    openedAtMs = undefined
  }

  return {
    get state() {
      return state
    },
    get trouble() {
      return trouble
    },
    get openedAtMs() {
      return openedAtMs
    },
    get underWay() {
      return underWay
    },

    open(kind) {
      const nowMs = Date.now()
      if (state !== 'open' || openedAtMs === undefined) openedAtMs = nowMs
      state = 'open'
      trouble = kind
      openings = Math.min(openings + 1, maxOpenings)
      return Math.min(openIntervals[kind] * 2 ** (openings - 1), maxOpenIntervals)
    },

    isNews(kind) {
      return state !== 'open' || trouble === 'none' || openIntervals[kind] > openIntervals[trouble]
    },

    probed() {
      trouble = 'none'
      if (state === 'closed') openings = Math.max(0, openings - 1)
      else if (openings === 0) close()
      else if (state === 'open') {
        state = 'halfOpen'
        answers = 0
      } else if (++answers >= trialAnswers) close()
    },

    entered() {
      underWay++
    },

    ended(isAnswered) {
      underWay--
      if (isAnswered && state === 'halfOpen' && ++answers >= trialAnswers) close()
    },
  }
}

import type { EndpointHealth, OnAnswer, WaitOptions } from '../ChainAdapter.ts'

/** One node that an operator configured, with the family's own client for it. */
export interface Endpoint<Client> {
  /** The operator's own word for it: shown and stored. */
  readonly id: string
  /** Who runs it. Endpoints of one operator count as one witness. */
  readonly operator: string
  readonly client: Client
}

export interface ProbeResult {
  readonly onRightChain: boolean
  readonly height: bigint
}

/** @throws EndpointProblem where there is no usable answer; `none` holds nothing against the endpoint */
export type Question<Client, T> = (
  client: Client,
  signal: AbortSignal,
  endpoint: { readonly id: string; readonly operator: string },
) => Promise<T>

export interface Asked<T> {
  readonly id: string
  readonly operator: string
  readonly answer: T
}

/** The endpoints of one chain: which are live, whom to ask, whom to hand a transaction to. */
export interface EndpointPool<Client> {
  /** Resolves once each endpoint was probed for the first time, which takes `probeTimeoutMs` at most. */
  start(): Promise<void>
  stop(): Promise<void>
  live(): boolean
  /**
   * Ids of live endpoints of as many `operators` (1), or fewer where no more are live, none of `avoid`: those of `sticky` first and in
   * their order, then closed ones at random, then half-open ones.
   */
  pick(options?: {
    readonly sticky?: readonly string[]
    readonly avoid?: ReadonlySet<string>
    readonly operators?: number
  }): readonly string[]
  /**
   * Asks live endpoints in random order until one answers; each that fails is reported. At most `maxAttempts` (3).
   * @throws ChainUnavailable, AbortError
   */
  ask<T>(question: Question<Client, T>, options?: WaitOptions): Promise<T>
  /**
   * Asks the endpoint of this id, live or not; where it fails it is reported. There is no time limit but the question's own.
   * @throws EndpointProblem, AbortError
   */
  askOne<T>(id: string, question: Question<Client, T>, options?: WaitOptions): Promise<T>
  /**
   * As `ask`, for a question that a stranger chose: that it is answered late or not at all is not held against the endpoint,
   * or whoever finds a question that is slow enough could take the chain from everybody else.
   * An endpoint that does not answer within `walletTimeoutMs` (4 s) makes room for the next.
   * @throws ChainUnavailable, AbortError
   */
  askForWallet<T>(
    question: Question<Client, T>,
    options?: WaitOptions & {
      /** Asked before all others, where it is live. */
      readonly first?: Client | undefined
      /** Others are not asked. Default: all. */
      readonly among?: (client: Client) => boolean
    },
  ): Promise<T>
  /**
   * The answers of two operators, or of the only one that has a live endpoint; one is enough where `settles` says so of
   * it. Endpoints are asked in random order, at most `maxAttempts`: those of the operators of `last` after all others, and `last`
   * themselves at the very end; each that fails is reported.
   * @throws ChainUnavailable, AbortError
   */
  askTwo<T>(
    question: Question<Client, T>,
    settles: (answer: T) => boolean,
    options?: WaitOptions & { readonly last?: readonly string[] | undefined },
  ): Promise<readonly [T, ...T[]]>
  /**
   * Asks other live endpoints than this one until there is `enough`: of other operators, each once, or where none of those is live
   * of the same. At most `maxAttempts`; each that fails is reported. Empty where there is no other, or none answers.
   * @throws AbortError
   */
  askOthers<T>(
    than: string,
    question: Question<Client, T>,
    enough: (said: readonly Asked<T>[]) => boolean,
    options?: WaitOptions,
  ): Promise<readonly Asked<T>[]>
  /** Operators that are configured, live or not. */
  readonly operators: number
  /** Opens an endpoint's breaker: it is set aside until its next good probe. */
  report(id: string, trouble: Exclude<EndpointHealth['trouble'], 'none'>): void
  /** Called after each request of a probe or a question, for as long as the pool lives. */
  onAnswer(listener: OnAnswer): void
  health(): readonly EndpointHealth[]
}

import type { EndpointHealth, WaitOptions } from '../ChainAdapter.ts'

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

/** The endpoints of one chain: which are live, whom to ask, whom to hand a transaction to. */
export interface EndpointPool<Client> {
  /** Resolves once each endpoint was probed for the first time, which takes `probeTimeoutMs` at most. */
  start(): Promise<void>
  stop(): Promise<void>
  live(): boolean
  /** A live endpoint's id: `sticky` where it is live and not avoided, else one at random; undefined where none is left. */
  pick(options?: {
    readonly sticky?: string | undefined
    readonly avoid?: ReadonlySet<string>
  }): string | undefined
  /** The endpoint of this id, live or not. */
  get(id: string): Endpoint<Client> | undefined
  /**
   * Asks live endpoints in random order until one answers; each that fails is reported. At most `maxAttempts` (3).
   * @throws ChainUnavailable, AbortError
   */
  ask<T>(question: (client: Client, signal: AbortSignal) => Promise<T>, options?: WaitOptions): Promise<T>
  /**
   * As `ask`, for a question that a stranger chose: that it is answered late or not at all is not held against the endpoint,
   * or whoever finds a question that is slow enough could take the chain from everybody else.
   * An endpoint that does not answer within `walletTimeoutMs` (4 s) makes room for the next.
   * @throws ChainUnavailable, AbortError
   */
  askForWallet<T>(
    question: (client: Client, signal: AbortSignal) => Promise<T>,
    options?: WaitOptions & {
      /** Asked before all others, where it is live. */
      readonly first?: Client | undefined
      /** Others are not asked. Default: all. */
      readonly among?: (client: Client) => boolean
    },
  ): Promise<T>
  /**
   * The answers of two operators, or of the only one that has a live endpoint; one is enough where `settles` says so of
   * it. Endpoints are asked in random order, at most `maxAttempts`, those of the operator of `last` last; each that fails is
   * reported.
   * @throws ChainUnavailable, AbortError
   */
  askTwo<T>(
    question: (client: Client, signal: AbortSignal) => Promise<T>,
    settles: (answer: T) => boolean,
    options?: WaitOptions & { readonly last?: string | undefined },
  ): Promise<readonly [T, ...T[]]>
  /** Operators that are configured, live or not. */
  readonly operators: number
  /** Sets an endpoint aside until its next good probe. */
  report(id: string, trouble: Exclude<EndpointHealth['trouble'], 'none'>): void
  health(): readonly EndpointHealth[]
}

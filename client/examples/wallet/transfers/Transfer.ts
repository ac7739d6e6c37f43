import type { Messages, Outcome, Stage } from '@veilcast/client'

export interface HeardStage {
  readonly stage: Stage
  /** Milliseconds since 1970. */
  readonly atMs: number
}

export interface Failure {
  /** Whether it could still land. */
  readonly outcome: Outcome
  readonly text: string
  readonly advice: string
}

/** One payment and what was heard of it. It is JSON: amounts are decimal strings of base units. */
export interface Transfer {
  readonly id: string
  readonly chain: string
  /** What was signed. Undefined of one that was found in the journal alone. */
  readonly to?: string | undefined
  readonly amount?: string | undefined
  readonly sentAtMs: number
  /** `running`: an end is waited for. `silent`: nothing more was heard in time, or the wait was given up. */
  readonly progress: 'running' | 'ended' | 'silent'
  readonly txId?: string | undefined
  /** By which the broadcaster answers for it. */
  readonly requestId?: string | undefined
  readonly broadcaster?: number | undefined
  readonly stages: readonly HeardStage[]
  readonly height?: string | undefined
  /** True where it ran, false where it is in a block and failed there. */
  readonly ok?: boolean | undefined
  readonly failure?: Failure | undefined
  /** Questions that were asked again, for want of an answer. */
  readonly repeated: number
  readonly messages?: Messages | undefined
}

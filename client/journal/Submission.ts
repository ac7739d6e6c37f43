import type { Stage, Until } from '@veilcast/shared/protocol'
import type { Outcome } from './keepOutcome.ts'

/** A submission that had not come to its end, as the journal knew it. */
export interface Submission {
  /** Of its entry in the journal: 32 hex digits. */
  readonly id: string
  /** CAIP-2. */
  readonly chain: string
  readonly txId: string
  readonly until: Until
  /** Seconds since 1970. */
  readonly notAfter: number
  /** Milliseconds since 1970. */
  readonly madeAtMs: number
  /** The last that was heard of it before. */
  readonly stage: Stage | undefined
}

/** What became of a submission: one of `receipt` and `error` is there. */
export interface Ended extends Submission, Outcome {}

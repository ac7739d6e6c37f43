import type { VeilcastError } from '@veilcast/shared/errors'
import type { Durability, Stage, TxState, Until } from '@veilcast/shared/protocol'
import type { Messages } from './converse.ts'

/** Where a transaction stands, as the broadcaster told it. */
export interface Receipt {
  readonly chain: string | undefined
  /** The chain's own hash, computed here: EVM 0x and lower case, Cosmos upper case. */
  readonly txId: string
  /** `state.stage` */
  readonly stage: Stage
  readonly state: TxState
  /**
   * True where it was executed, false where it is on chain and reverted (EVM) or failed in delivery (Cosmos): `state` says
   * how. Undefined while it is in no block.
   */
  readonly ok: boolean | undefined
  /** What the broadcaster said of its custody; undefined where `accepted` was not heard. */
  readonly durability: Durability | undefined
  /** The submit's id in hex, for `status` at that same broadcaster. Whoever knows it may ask. */
  readonly requestId: string
  /** Which of the client's broadcasters said so, by index. */
  readonly broadcaster: number
  readonly messages: Messages
}

/** Told as a request goes on. */
export interface Progress {
  /**
   * `sending`: the first message is about to leave; `repeating`: an unanswered one again; `failover`: the next broadcaster.
   * The others are stages of the transaction, and `state` is set.
   */
  readonly stage: 'sending' | 'repeating' | 'failover' | Stage
  readonly state: TxState | undefined
  /** Since the call, in milliseconds. */
  readonly atMs: number
  readonly broadcaster: number
  /** The submit's id at that broadcaster, in hex. It is told before the message leaves, so that a caller can keep it. */
  readonly requestId: string
  /** Undefined for a status asked by its request id alone, until it is answered. */
  readonly txId: string | undefined
  /** Why the next broadcaster is asked, if this one gave a reason. */
  readonly reason: VeilcastError | undefined
  readonly messages: Messages
}

/** True once what was asked for is reached. */
export function isReached(stage: Stage, until: Until): boolean {
  if (stage === 'final') return true
  if (stage === 'included') return until !== 'final'
  return until === 'accepted' && (stage === 'accepted' || stage === 'submitted')
}

export function isOk(state: TxState): boolean | undefined {
  if (state.stage !== 'included' && state.stage !== 'final') return undefined
  return state.inclusion.family === 'evm' ? state.inclusion.ok : state.inclusion.code === 0
}

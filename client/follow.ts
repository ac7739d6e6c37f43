import {
  errorNameOf,
  fromWireError,
  type Outcome,
  VeilcastError,
  type WireError,
} from '@veilcast/shared/errors'
import { requestPackets } from '@veilcast/shared/mixnet'
import {
  type ChainId,
  type Durability,
  encodeRequest,
  newRequestId,
  type Reply,
  type RequestId,
  type Stage,
  type StateReply,
  type SubmitRequest,
  type TxId,
  type TxState,
  type Until,
} from '@veilcast/shared/protocol'
import { type ChainFamily, formatTxId } from './computeTxId.ts'
import { type Heard, type Message, type Messages, newQuestion, type Question, type Talk } from './converse.ts'
import { bytesToHex } from './hex.ts'
import { judgeFailure } from './judgeFailure.ts'
import { isOk, isReached, type Progress, type Receipt } from './receipt.ts'
import { neededReplies } from './surbBudget.ts'

/** What a transaction is followed by: its signed bytes, or the id of the submit that brought them. */
export type Followed =
  | { readonly kind: 'submit'; readonly submit: SubmitRequest; readonly txId: TxId }
  | { readonly kind: 'status'; readonly submitId: RequestId; readonly txId: TxId | undefined }

/** What is known from before a restart. */
export interface Known {
  /** The submits that may have left, by broadcaster: each is asked for by `status` before anything is submitted again. */
  readonly submits: ReadonlyMap<number, RequestId>
  /** An endpoint had it, or somebody who cannot be asked any more: no single word makes it unsent. */
  readonly mayBeElsewhere: boolean
  readonly stage: Stage | undefined
}

export interface FollowOptions {
  readonly followed: Followed
  readonly known?: Known | undefined
  /** Called with the id of a submit before it leaves. What is given back is waited for. */
  readonly noteDown?: ((broadcaster: number, submitId: string) => Promise<void> | undefined) | undefined
  readonly chain: ChainId | undefined
  /** How the txId is written; undefined: by what the broadcaster says of the chain. */
  readonly family: ChainFamily | undefined
  readonly until: Until
  readonly everyStage: boolean
  readonly broadcasters: number
  readonly messages: Messages
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly onProgress: (progress: Progress) => void
}

/** What one broadcaster was asked and has said. */
interface View {
  submit: Question | undefined
  status: Question | undefined
  /** The life of its store that its numbers belong to, and how many lives it was seen in. */
  incarnation: Uint8Array | undefined
  epoch: number
  number: number
  state: TxState | undefined
  /** It has shown the transaction to an endpoint, by its own words. */
  exposed: boolean
  /** What it said against the message, while it said nothing of the transaction. */
  failure: WireError | undefined
  /** It is sure that nothing of ours that it had was or will be sent. */
  notSent: boolean
  /** What the next message has to be; undefined: the whole submit where that is one packet, else `status`. */
  next: 'submit' | 'status' | undefined
}

/**
 * The rules by which replies become a receipt:
 * - A state counts if it names our transaction and its number is above the last one of that broadcaster's store.
 * - A reply out of another life of the store proves nothing, for it may be older or newer: `status` is asked with a fresh id,
 *   and the life of its answer is the present one.
 * - A failure is about a message, not about the transaction. It ends the matter only while nothing was heard of a state, and
 *   `notSent` is passed on only if nobody else may have sent it.
 */
export function follow(options: FollowOptions): Talk<Receipt> {
  const { followed, known, until, everyStage, messages, now } = options
  const startedAtMs = performance.now()
  const neededSurbs = neededReplies(until, everyStage)
  const views = new Map<number, View>(
    [...(known?.submits ?? [])].map(([broadcaster, id]) => [
      broadcaster,
      { ...newView(), submit: { ...newQuestion(0, id), sends: 1 }, next: 'status' },
    ]),
  )
  const isOnePacket =
    followed.kind === 'submit' &&
    requestPackets(
      encodeRequest({ id: newRequestId(), surbs: neededSurbs, body: followed.submit }).length,
      neededSurbs,
    ) === 1
  let txId = followed.txId
  let durability: Durability | undefined
  let last = known?.stage

  const viewOf = (broadcaster: number): View => {
    const view = views.get(broadcaster) ?? newView()
    views.set(broadcaster, view)
    return view
  }
  const maySubmit = () => followed.kind === 'submit' && now() < followed.submit.notAfter * 1000
  const requestIdOf = (view: View): string =>
    followed.kind === 'status' ? bytesToHex(followed.submitId) : (view.submit?.hex ?? '')
  const writtenTxId = (state?: TxState): string | undefined => {
    if (!txId) return undefined
    const inclusion = state && 'inclusion' in state ? state.inclusion : undefined
    return formatTxId(options.family ?? inclusion?.family ?? 'evm', txId)
  }

  const tell = (
    stage: Progress['stage'],
    broadcaster: number,
    more: { state?: TxState; reason?: VeilcastError | undefined } = {},
  ) =>
    options.onProgress({
      stage,
      state: more.state,
      atMs: performance.now() - startedAtMs,
      broadcaster,
      requestId: requestIdOf(viewOf(broadcaster)),
      txId: writtenTxId(more.state),
      reason: more.reason,
      messages: { ...messages },
    })

  const compose = (broadcaster: number): Message => {
    const view = viewOf(broadcaster)
    if (followed.kind === 'submit') {
      const again = view.next === 'submit' || (view.next === undefined && isOnePacket)
      if (!view.submit || (again && maySubmit())) {
        view.submit ??= newQuestion()
        view.notSent = false
        if (view.next === 'submit') view.next = undefined
        return { question: view.submit, body: followed.submit, neededSurbs }
      }
    }
    const stale =
      view.status && view.next === 'status' && isStale(view.status, view) ? view.status : undefined
    if (!view.status || stale) view.status = newQuestion(view.epoch)
    const submitId = followed.kind === 'status' ? followed.submitId : (view.submit as Question).id
    return {
      question: view.status,
      body: { kind: 'status', until, everyStage, submitId },
      neededSurbs,
      replaces: stale,
    }
  }

  const hear = (
    broadcaster: number,
    question: Question,
    { incarnation, number, body }: Reply,
  ): Heard<Receipt> => {
    const view = viewOf(broadcaster)
    if (body.kind === 'failure') return hearFailure(broadcaster, question, body.error)
    if (body.kind !== 'state' || number === 0 || (txId && !isSame(txId, body.txId)))
      return { kind: 'ignored' }
    if (!view.incarnation || !isSame(view.incarnation, incarnation)) {
      if (question.epoch !== view.epoch) {
        const asked = view.next === 'status' && view.status && !isStale(view.status, view)
        view.next = 'status'
        return { kind: asked ? 'ignored' : 'askAgain' }
      }
      view.incarnation = incarnation.slice()
      view.epoch += 1
      view.number = 0
    }
    if (number < view.number) return { kind: 'ignored' }
    view.next = undefined
    if (number === view.number) return { kind: 'nothingNew' }
    view.number = number
    view.failure = undefined
    return hearState(broadcaster, view, body)
  }

  const hearState = (broadcaster: number, view: View, reply: StateReply): Heard<Receipt> => {
    const { state } = reply
    txId ??= reply.txId
    view.state = state
    last = state.stage
    if (state.stage === 'accepted') durability = state.durability
    view.exposed ||= state.stage === 'submitted' || 'inclusion' in state
    view.notSent =
      state.stage === 'refused' || (state.stage === 'lapsed' && state.error.outcome === 'notSent')
    tell(state.stage, broadcaster, { state })
    if (state.stage === 'replaced') {
      return { kind: 'failed', error: new VeilcastError('replaced', { values: { height: state.height } }) }
    }
    if (state.stage === 'refused') return { kind: 'failed', error: errorOf(state.error, 'notSent') }
    if (state.stage === 'lapsed') {
      return { kind: 'failed', error: errorOf(state.error, view.notSent ? 'notSent' : 'unknown') }
    }
    if (state.stage === 'submitted' && state.rejection) {
      return { kind: 'failed', error: errorOf(state.rejection, 'unknown') }
    }
    if (!isReached(state.stage, until)) return { kind: 'news' }
    return {
      kind: 'done',
      value: {
        chain: options.chain,
        txId: writtenTxId(state) ?? '',
        stage: state.stage,
        state,
        ok: isOk(state),
        durability,
        requestId: requestIdOf(view),
        broadcaster,
        messages: { ...messages },
      },
    }
  }

  const hearFailure = (broadcaster: number, question: Question, wire: WireError): Heard<Receipt> => {
    const view = viewOf(broadcaster)
    const isUnknownRequest = errorNameOf(wire.number) === 'unknownRequest'
    if (question === view.submit) {
      if (view.state || isUnknownRequest) return { kind: 'ignored' }
      view.failure = wire
      const judged = judgeFailure(wire)
      if (question.sends > 1 && !isAboutTheBytes(wire)) {
        // Another copy may have been taken: what has become of that one?
        view.next = 'status'
        return { kind: 'wait', error: judged.error }
      }
      view.notSent = wire.outcome === 'notSent'
      return judged
    }
    // It speaks of the question, not of the transaction.
    const judged = judgeFailure({ ...wire, outcome: 'unknown' })
    const { error } = judged
    if (!isUnknownRequest) {
      if (view.state) return { kind: 'ignored' }
      return followed.kind === 'status' ? judged : { kind: 'wait', error }
    }
    if (followed.kind === 'status') return { kind: view.state ? 'wait' : 'elsewhere', error }
    const earlier = view.failure && judgeFailure({ ...view.failure, outcome: 'unknown' })
    if (earlier && earlier.kind !== 'wait') return earlier
    view.failure = undefined
    view.next = 'submit'
    if (maySubmit()) return { kind: 'askAgain' }
    // Too late to submit it again. What was sent just now may still arrive there; what was sent before a restart has.
    const isFromBefore = known?.submits.has(broadcaster) && view.submit?.sends === 1
    return { kind: isFromBefore && !view.state ? 'elsewhere' : 'wait', error }
  }

  return {
    compose,
    hear,
    mayOpen: (broadcaster) =>
      followed.kind === 'status' || maySubmit() || (known?.submits.has(broadcaster) ?? false),
    inCharge: (broadcaster) => viewOf(broadcaster).state !== undefined,
    said: (how, broadcaster, _question, reason) => tell(how, broadcaster, { reason }),
    noteDown: (broadcaster, question) =>
      question === viewOf(broadcaster).submit ? options.noteDown?.(broadcaster, question.hex) : undefined,
    lastWord(error) {
      if (error.outcome !== 'notSent') return error
      const others = [...views.values()].filter((view) => (view.submit ? view.submit.sends > 0 : false))
      const sure =
        followed.kind === 'submit'
          ? !known?.mayBeElsewhere && others.every((view) => view.notSent && !view.exposed)
          : // Of a submit that may have gone to several, one broadcaster knows its own part only.
            options.broadcasters === 1 && [...views.values()].every((view) => !view.exposed)
      return sure ? error : withOutcome(error, 'unknown')
    },
    outcome: { before: followed.kind === 'submit' && !known ? 'notSent' : 'unknown', after: 'unknown' },
    details: () => (last ? `The last that was heard of it: ${last}.` : undefined),
  }
}

function newView(): View {
  return {
    submit: undefined,
    status: undefined,
    incarnation: undefined,
    epoch: 0,
    number: 0,
    state: undefined,
    exposed: false,
    failure: undefined,
    notSent: false,
    next: undefined,
  }
}

/** Asked before the present life of the store was known, or answered already: its next answer does not tell lives apart. */
function isStale(status: Question, view: View): boolean {
  return status.epoch !== view.epoch || status.answered
}

/** True for a verdict that every copy of the same bytes meets: rows 1 to 4 and 40 to 59. */
function isAboutTheBytes({ number }: WireError): boolean {
  return number < 5 || (number >= 40 && number < 60)
}

function errorOf(wire: WireError, outcome: Outcome): VeilcastError {
  return fromWireError({ ...wire, outcome })
}

function withOutcome(error: VeilcastError, outcome: Outcome): VeilcastError {
  const { errorName, values, label, details, cause } = error
  return new VeilcastError(errorName, { values, label, outcome, cause, ...(details ? { details } : {}) })
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

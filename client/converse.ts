import { findVeilcastError, type Outcome, VeilcastError } from '@veilcast/shared/errors'
import { type MixnetAddress, type MixnetDialer, MixnetError, requestPackets } from '@veilcast/shared/mixnet'
import {
  encodeRequest,
  newRequestId,
  type Reply,
  type RequestBody,
  type RequestId,
} from '@veilcast/shared/protocol'
import { bytesToHex } from './hex.ts'
import type { Pending } from './pending.ts'
import type { RoundTrip } from './roundTrip.ts'
import { surbBudget } from './surbBudget.ts'

/** When to ask again. Scaled down in tests; each pause is times U(0.7, 1.3). */
export interface Timing {
  /**
   * First pause after a message without an answer, or three smoothed round trips if that is more; it doubles. Default 6000: Nym
   * repairs loss within 4 s.
   */
  readonly firstRepeatMs: number
  /** First pause after the answer of who has it, as news are pushed; it doubles until there are any. Default 30 000. */
  readonly laterRepeatMs: number
  /** Longest pause. Default 60 000. */
  readonly maxRepeatMs: number
  /** Messages in a row without any answer before the next broadcaster is asked. Default 3. */
  readonly maxSilences: number
}

/** What a conversation talks over. */
export interface Line {
  readonly mixnet: MixnetDialer
  readonly broadcasters: readonly MixnetAddress[]
  readonly pending: Pending
  readonly roundTrip: RoundTrip
  readonly timing: Timing
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** A transaction on this chain is sent, or changes its state. */
  readonly chainMoves: (chain: string) => void
  readonly warn: (message: string, fields?: Readonly<Record<string, string | number>>) => void
}

/** What a request has cost so far. */
export interface Messages {
  /** Messages up, repetitions included. */
  readonly sent: number
  /** Replies that were believed. */
  readonly received: number
  /** SURBs attached. */
  readonly surbs: number
  /** Data packets up. */
  readonly packetsUp: number
}

/** One request id, and what has become of it. */
export interface Question {
  readonly id: RequestId
  readonly hex: string
  /** How many store lives its broadcaster had been seen in when it was asked (follow.ts). */
  readonly epoch: number
  sends: number
  sentAtMs: number
  answered: boolean
}

export function newQuestion(epoch = 0, id = newRequestId()): Question {
  return { id, hex: bytesToHex(id), epoch, sends: 0, sentAtMs: 0, answered: false }
}

export interface Message {
  readonly question: Question
  readonly body: RequestBody
  readonly neededSurbs: number
  /** A question whose answers count no longer. */
  readonly replaces?: Question | undefined
}

/** What a reply means. */
export type Heard<T> =
  | { readonly kind: 'ignored' }
  /** The broadcaster lives, and has said this before. */
  | { readonly kind: 'nothingNew' }
  | { readonly kind: 'news' }
  | { readonly kind: 'askAgain' }
  /** It cannot answer now; that counts as a silence. */
  | { readonly kind: 'wait'; readonly error: VeilcastError }
  /** It will not answer this; the next one may. */
  | { readonly kind: 'elsewhere'; readonly error: VeilcastError }
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: VeilcastError }

/** What is said and how answers are judged; when, and to whom, is `converse`'s part. Broadcasters go by their index. */
export interface Talk<T> {
  compose(broadcaster: number): Message
  hear(broadcaster: number, question: Question, reply: Reply): Heard<T>
  /** Whether a broadcaster that this conversation has not asked yet may be asked now. */
  mayOpen(broadcaster: number): boolean
  /** True once it has taken charge, so that it is asked less often. */
  inCharge(broadcaster: number): boolean
  /** Called before each message leaves. */
  said(
    how: 'sending' | 'repeating' | 'failover',
    broadcaster: number,
    question: Question,
    reason?: VeilcastError,
  ): void
  /** What has to be durable before this message may leave, or undefined. A message that could not be noted down stays here. */
  noteDown?(broadcaster: number, question: Question): Promise<void> | undefined
  /** Puts an error in the light of all that is known. */
  lastWord(error: VeilcastError): VeilcastError
  /** What can be said of the transaction before and after something was handed to the mixnet. */
  readonly outcome: { readonly before: Outcome; readonly after: Outcome }
  /** Added to the errors that come from waiting. */
  details(): string | undefined
}

export interface ConverseOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs: number
  /** Asks this broadcaster only. Default: the list, from its start. */
  readonly only?: number | undefined
  /** Asks this broadcaster first. Default: the start of the list. */
  readonly first?: number | undefined
  /** Asks these and no others, by index, in this order. */
  readonly order?: readonly number[] | undefined
  /** Counted up as it goes. */
  readonly messages: { -readonly [name in keyof Messages]: Messages[name] }
  /** Called once, before anything is said: for who may give up before it ends. */
  readonly watch?: ((conversation: Watched) => void) | undefined
}

/** Of a conversation, as it goes. */
export interface Watched {
  mayHaveLeft(): boolean
  lastError(): unknown
}

interface Peer {
  readonly index: number
  readonly address: MixnetAddress
  opened: boolean
  /** Messages in a row without an answer, and whether the last one was handed over and answered. */
  silences: number
  asked: boolean
  heard: boolean
  /** Pauses in a row without an answer: what doubles the short pause. */
  quiet: number
  /** Answers without news that were repeated after: what doubles the long pause. */
  repeats: number
  /** Questions put out of turn because an answer called for it: bounded, or it could make us talk as fast as it likes. */
  outOfTurn: number
  excluded: boolean
}

const maxOutOfTurn = 3

/**
 * Asks until there is an answer: repeats what stays unanswered, moves on to the next broadcaster, and ends by answer,
 * timeout, abort or stop. Nothing but the mixnet is ever touched.
 */
export function converse<T>(line: Line, talk: Talk<T>, options: ConverseOptions): Promise<T> {
  const { mixnet, pending, timing } = line
  const { signal, timeoutMs, messages } = options
  const startedAtMs = performance.now()
  const order = options.only === undefined ? (options.order ?? line.broadcasters.keys()) : [options.only]
  const peers = [...order].map((index) => newPeer(line.broadcasters[index] as MixnetAddress, index))
  const ids = new Set<RequestId>()
  const leaving = new AbortController()
  let current = (peers.find(({ index }) => index === options.first) ?? peers[0]) as Peer
  let timer: ReturnType<typeof setTimeout> | undefined
  let deadline: ReturnType<typeof setTimeout> | undefined
  let handedOver = 0
  /** Messages that are being noted down or handed over, and those of them that are being handed over. */
  let underWay = 0
  let leavingNow = 0
  let lastError: unknown
  let ended = false

  return new Promise<T>((resolve, reject) => {
    const conversation = {
      repeat: () => {
        if (underWay === 0) say('repeating')
      },
      stop: () => fail('clientStopped'),
    }
    const abort = () => fail(mayHaveLeft() ? 'aborted' : 'abortedBeforeSending')
    const end = (settle: () => void) => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      clearTimeout(deadline)
      signal?.removeEventListener('abort', abort)
      for (const id of ids) pending.forget(id)
      pending.leave(conversation)
      leaving.abort()
      settle()
    }
    const noteFault = () =>
      underWay > 0 ? 'It did not answer in time.' : findVeilcastError(lastError)?.details
    const mayHaveLeft = () => handedOver + leavingNow > 0
    const fail = (
      name:
        | 'clientStopped'
        | 'aborted'
        | 'abortedBeforeSending'
        | 'replyTimeout'
        | 'mixnetUnavailable'
        | 'journalUnavailable',
    ) => {
      const details = name === 'journalUnavailable' ? noteFault() : talk.details()
      const error = new VeilcastError(name, {
        outcome: mayHaveLeft() ? talk.outcome.after : talk.outcome.before,
        values: { waitedMs: performance.now() - startedAtMs },
        ...(details ? { details } : {}),
        cause: lastError,
      })
      end(() => reject(error))
    }

    const arm = (atLeastMs = 0) => {
      clearTimeout(timer)
      // Every message is answered at once: after one that is not, news cannot be counted on.
      const firstMs =
        current.heard && talk.inCharge(current.index)
          ? timing.laterRepeatMs
          : Math.max(timing.firstRepeatMs, 3 * (line.roundTrip.smoothedMs() ?? 0))
      const doublings = current.heard ? current.repeats : current.quiet
      const pauseMs = Math.min(timing.maxRepeatMs, Math.max(atLeastMs, firstMs * 2 ** doublings))
      timer = setTimeout(onSilence, pauseMs * (0.7 + 0.6 * line.random()))
    }

    const onSilence = () => {
      // What the transport has not taken yet needs no repetition.
      if (underWay > 0) return arm()
      if (current.heard) current.repeats += 1
      else {
        current.quiet += 1
        if (current.asked) current.silences += 1
      }
      if (current.silences < timing.maxSilences || !moveOn()) say('repeating')
    }

    /** False if there is nobody else to ask. */
    const moveOn = (reason?: VeilcastError): boolean => {
      const at = peers.indexOf(current)
      const next = [...peers.slice(at + 1), ...peers.slice(0, at)].find(
        (peer) => !peer.excluded && (peer.opened || talk.mayOpen(peer.index)),
      )
      if (!next) return false
      current = next
      current.silences = 0
      // Once round in vain, it is asked more slowly: where all are silent, most likely nothing gets through.
      current.quiet >>= 1
      say('failover', reason)
      return true
    }

    const say = (how: 'sending' | 'repeating' | 'failover', reason?: VeilcastError) => {
      const peer = current
      const { question, body, neededSurbs, replaces } = talk.compose(peer.index)
      if (replaces) {
        ids.delete(replaces.id)
        pending.forget(replaces.id)
      }
      ids.add(question.id)
      pending.expect(question.id, (reply) => hear(peer, question, reply))
      const bytes = encodeRequest({ id: question.id, surbs: 0, body }).length
      const surbs = surbBudget(bytes, neededSurbs)
      const packets = requestPackets(bytes, surbs)
      const payload = encodeRequest({ id: question.id, surbs, body })

      talk.said(how, peer.index, question, reason)
      if (ended) return
      peer.opened = true
      peer.asked = false
      peer.heard = false
      underWay += 1
      arm()

      const leave = () => {
        if (ended) {
          underWay -= 1
          return
        }
        question.sends += 1
        if (question.sends === 1) question.sentAtMs = performance.now()
        messages.sent += 1
        messages.surbs += surbs
        messages.packetsUp += packets
        leavingNow += 1
        const send = async () => mixnet.send(peer.address, payload, surbs, { signal: leaving.signal })
        send().then(
          () => {
            underWay -= 1
            leavingNow -= 1
            handedOver += 1
            peer.asked = true
          },
          (error: unknown) => {
            underWay -= 1
            leavingNow -= 1
            if (ended) return
            lastError = error
            if (!(error instanceof MixnetError)) {
              // Nothing says that it did not leave.
              handedOver += 1
              line.warn('The transport failed in an unknown way.')
              return
            }
            question.sends -= 1
            messages.sent -= 1
            messages.surbs -= surbs
            messages.packetsUp -= packets
            line.warn('The transport did not take a message.', { kind: error.kind })
          },
        )
      }

      const noted = talk.noteDown?.(peer.index, question)
      if (!noted) return leave()
      noted.then(leave, (error: unknown) => {
        underWay -= 1
        if (ended) return
        lastError = error
        line.warn('The journal did not take an entry: its message stays here.')
        if (!mayHaveLeft()) return fail('journalUnavailable')
        // It is passed over like a silent one.
        peer.asked = true
      })
    }

    const hear = (peer: Peer, question: Question, reply: Reply): boolean => {
      messages.received += 1
      const heard = talk.hear(peer.index, question, reply)
      // Told of a stage, the caller may have aborted.
      if (ended) return true
      if (heard.kind === 'ignored') {
        messages.received -= 1
        return false
      }
      if (question.sends === 1 && !question.answered)
        line.roundTrip.sample(performance.now() - question.sentAtMs)
      question.answered = true
      peer.heard = heard.kind !== 'wait'
      if (peer.heard) peer.silences = peer.quiet = 0
      switch (heard.kind) {
        case 'nothingNew':
        case 'news':
          if (heard.kind === 'news') peer.repeats = 0
          if (current !== peer && !talk.inCharge(current.index)) current = peer
          if (current === peer) arm()
          break
        case 'askAgain':
          if (peer.outOfTurn >= maxOutOfTurn) break
          peer.outOfTurn += 1
          current = peer
          say('repeating')
          break
        case 'wait':
          lastError = heard.error
          if (current === peer) arm(Number(heard.error.values.retryAfterMs ?? 0n))
          break
        case 'elsewhere':
          lastError = heard.error
          peer.excluded = true
          if (current === peer && !moveOn(heard.error)) end(() => reject(talk.lastWord(heard.error)))
          break
        case 'done':
          end(() => resolve(heard.value))
          break
        case 'failed':
          end(() => reject(talk.lastWord(heard.error)))
      }
      return true
    }

    options.watch?.({ mayHaveLeft, lastError: () => lastError })
    if (signal?.aborted) return fail('abortedBeforeSending')
    pending.join(conversation)
    signal?.addEventListener('abort', abort, { once: true })
    deadline = setTimeout(() => {
      if (mayHaveLeft()) fail('replyTimeout')
      else fail(underWay > 0 ? 'journalUnavailable' : 'mixnetUnavailable')
    }, timeoutMs)
    say('sending')
  })
}

function newPeer(address: MixnetAddress, index: number): Peer {
  return {
    index,
    address,
    opened: false,
    silences: 0,
    asked: false,
    heard: false,
    quiet: 0,
    repeats: 0,
    outOfTurn: 0,
    excluded: false,
  }
}

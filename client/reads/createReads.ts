import { VeilcastError } from '@veilcast/shared/errors'
import { maxSurbsPerMessage, replyPackets } from '@veilcast/shared/mixnet'
import {
  type ChainId,
  maxReadsPerMessage,
  type Read,
  type ReadAnswer,
  type ReadAnswers,
  type ResultsReply,
  resultsHeaderBytes,
} from '@veilcast/shared/protocol'
import { ask, onlyAsked } from '../ask.ts'
import type { Line, Messages, Watched } from '../converse.ts'
import { bytesToHex } from '../hex.ts'
import { judgeFailure } from '../judgeFailure.ts'
import { maxTimeoutMs } from '../parseArguments.ts'
import { unpackAnswers } from '../unpackAnswers.ts'
import { learnSizes } from './learnSizes.ts'
import { parseResult } from './parseResult.ts'
import { rememberAnswers } from './rememberAnswers.ts'

/** What the last answer told of a chain. Hearsay. */
export interface Head {
  /** The newest block that the broadcaster knew of. */
  readonly height: bigint
  /** Until then, by `performance.now()`, the next block is not due. */
  readonly freshUntilMs: number
}

/** What reads have cost since the client was made. */
export interface ReadCounters extends Messages {
  /** Reads that were called for. */
  readonly asked: number
  /** Those of them that were answered from memory. */
  readonly fromMemory: number
  /** Those of them that were equal to one under way, and had its answer. */
  readonly shared: number
  /** Packets that brought answers down. */
  readonly packetsDown: number
  /** Bytes of the answers, as they were packed. */
  readonly bytesDown: number
}

export interface ParsedRead {
  readonly chain: ChainId
  readonly method: string
  readonly params: Uint8Array
  /** The params again, as text. */
  readonly text: string
  readonly maxResultBytes: number
}

interface Wait {
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
}

export interface Reads {
  read(asked: ParsedRead, wait: Wait): Promise<unknown>
  /** What was answered of this chain, or will be to who asked before, answers nobody who asks from now on. */
  forget(chain: string): void
  head(chain: string): Head | undefined
  /** Ends every wait. */
  stop(): void
  readonly counters: ReadCounters
}

/**
 * The first of several reads waits twice so long for the others. Libraries gather calls of their own for a turn of the event
 * loop (viem's `batch.multicall`: `setTimeout(0)`, which is 1 ms in Node and up to 4 ms in a page): with 0 ms those and what is
 * asked beside them went up in two messages, from 2 ms on in one. Twice, so that a turn that takes long, as a library's
 * first one does, is followed by one more. A packet waits 20 ms for its turn anyway.
 */
const gatherMs = 3
const maxWaitingReads = 4096
const maxChainHeads = 64
/** However long a broadcaster says that its answers hold. */
const maxFreshMs = 15_000
/** From its question on: an answer may have been on its way for long. */
const maxAgeMs = 30_000
/** Before the answers, in what is packed. */
const answersHeaderBytes = 13

/** One question, and all who wait for its answer. */
interface Entry {
  readonly key: string
  readonly chain: ChainId
  readonly read: Read
  readonly callers: Set<Caller>
  expectedBytes: number
  /** Asked before the chain moved. */
  stale: boolean
  /** Its answer was too large once. */
  again: boolean
  message: Message | undefined
}

interface Caller {
  readonly maxResultBytes: number
  settle(outcome: Uint8Array | VeilcastError): void
}

interface Message {
  /** Those that somebody still waits for. */
  readonly entries: Set<Entry>
  readonly leaving: AbortController
  watched: Watched | undefined
}

/** Makes few messages of many reads. Each answer is hearsay: nothing here proves it. */
export function createReads(line: Line): Reads {
  const memory = rememberAnswers()
  const sizes = learnSizes()
  const underWay = new Map<string, Entry>()
  const messages = new Set<Message>()
  const heads = new Map<string, Head & { readonly askedAtMs: number }>()
  const counters = {
    asked: 0,
    fromMemory: 0,
    shared: 0,
    sent: 0,
    received: 0,
    surbs: 0,
    packetsUp: 0,
    packetsDown: 0,
    bytesDown: 0,
  }
  let gathering: Entry[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let waiting = 0
  /** The one that answered last is asked first. */
  let answering = 0

  async function read(asked: ParsedRead, wait: Wait): Promise<unknown> {
    counters.asked += 1
    if (wait.signal?.aborted) throw new VeilcastError('abortedBeforeSending', { details: onlyAsked })
    const { chain, method, params, maxResultBytes } = asked
    const key = `${chain} ${method} ${asked.text}`
    const known = memory.recall(key, performance.now())
    if (known) {
      counters.fromMemory += 1
      return give(known, maxResultBytes)
    }
    if (waiting >= maxWaitingReads) {
      throw new VeilcastError('tooManyPending', { values: { limit: maxWaitingReads } })
    }
    let entry = underWay.get(key)
    if (entry) counters.shared += 1
    else {
      const expectedBytes = Math.min(sizes.expect(chain, method, key), maxResultBytes)
      entry = {
        key,
        chain,
        read: { method, params },
        callers: new Set(),
        expectedBytes,
        stale: false,
        again: false,
        message: undefined,
      }
      underWay.set(key, entry)
      gathering.push(entry)
      timer ??= setTimeout(() => {
        timer = setTimeout(sendGathered, gatherMs)
      }, gatherMs)
    }
    return give(await answerOf(entry, maxResultBytes, wait), maxResultBytes)
  }

  function answerOf(entry: Entry, maxResultBytes: number, { signal, timeoutMs }: Wait): Promise<Uint8Array> {
    const startedAtMs = performance.now()
    return new Promise((resolve, reject) => {
      const caller: Caller = {
        maxResultBytes,
        settle(outcome) {
          clearTimeout(deadline)
          signal?.removeEventListener('abort', abort)
          entry.callers.delete(caller)
          waiting -= 1
          if (outcome instanceof VeilcastError) reject(outcome)
          else resolve(outcome)
        },
      }
      const giveUp = (name: 'aborted' | 'abortedBeforeSending' | 'replyTimeout' | 'mixnetUnavailable') => {
        caller.settle(
          new VeilcastError(name, {
            outcome: 'notSent',
            values: { waitedMs: performance.now() - startedAtMs },
            details: onlyAsked,
            cause: entry.message?.watched?.lastError(),
          }),
        )
        if (entry.callers.size === 0) finish(entry)
      }
      const mayHaveLeft = () => entry.message?.watched?.mayHaveLeft() ?? false
      const abort = () => giveUp(mayHaveLeft() ? 'aborted' : 'abortedBeforeSending')
      const deadline = setTimeout(
        () => giveUp(mayHaveLeft() ? 'replyTimeout' : 'mixnetUnavailable'),
        timeoutMs,
      )
      signal?.addEventListener('abort', abort, { once: true })
      entry.callers.add(caller)
      waiting += 1
    })
  }

  /** It is not under way any more; a message that carries nothing more is given up. */
  function finish(entry: Entry): void {
    if (underWay.get(entry.key) === entry) underWay.delete(entry.key)
    const { message } = entry
    message?.entries.delete(entry)
    if (message?.entries.size === 0) message.leaving.abort()
  }

  function settle(entry: Entry, outcome: Uint8Array | VeilcastError): void {
    for (const caller of [...entry.callers]) caller.settle(outcome)
    finish(entry)
  }

  function sendGathered(): void {
    timer = undefined
    const gathered = gathering
    gathering = []
    const order = [...line.broadcasters.keys()]
    order.unshift(...order.splice(answering, 1))
    send(gathered, order)
  }

  /** In as few messages as hold them: of one chain, with as many SURBs as one message may have. */
  function send(entries: readonly Entry[], order: readonly number[]): void {
    const open = new Map<ChainId, { readonly entries: Entry[]; expectedBytes: number }>()
    for (const entry of entries) {
      if (entry.callers.size === 0) continue
      const load = open.get(entry.chain)
      const expectedBytes = (load?.expectedBytes ?? answersHeaderBytes) + entry.expectedBytes
      if (
        load &&
        load.entries.length < maxReadsPerMessage &&
        packetsFor(expectedBytes) <= maxSurbsPerMessage
      ) {
        load.entries.push(entry)
        load.expectedBytes = expectedBytes
        continue
      }
      if (load) void carry(entry.chain, load.entries, packetsFor(load.expectedBytes), order)
      open.set(entry.chain, { entries: [entry], expectedBytes: answersHeaderBytes + entry.expectedBytes })
    }
    for (const [chain, load] of open) {
      void carry(chain, load.entries, packetsFor(load.expectedBytes), order)
    }
  }

  async function carry(
    chain: ChainId,
    entries: readonly Entry[],
    neededSurbs: number,
    order: readonly number[],
  ): Promise<void> {
    const leaving = new AbortController()
    const message: Message = { entries: new Set(entries), leaving, watched: undefined }
    messages.add(message)
    for (const entry of entries) entry.message = message
    const askedAtMs = performance.now()
    const settleAll = (error: unknown) => {
      const cause =
        error instanceof VeilcastError
          ? error
          : new VeilcastError('internal', { outcome: 'notSent', cause: error })
      for (const entry of [...message.entries]) settle(entry, cause)
    }
    try {
      const { body, broadcaster } = await ask(
        line,
        {
          body: { kind: 'read', chain, reads: entries.map(({ read }) => read) },
          neededSurbs,
          answer: 'results',
        },
        {
          signal: leaving.signal,
          timeoutMs: maxTimeoutMs,
          order,
          messages: counters,
          watch(watched) {
            message.watched = watched
          },
        },
      )
      counters.packetsDown += replyPackets(resultsHeaderBytes + body.answers.length)
      counters.bytesDown += body.answers.length
      const others = order.filter((index) => index !== broadcaster)
      let told: ReadAnswers
      try {
        told = await unpack(body, entries.length)
      } catch (error) {
        const [next] = others
        if (next === undefined) return settleAll(error)
        answering = next
        return send([...message.entries], others)
      }
      answering = broadcaster
      hear(entries, told, { chain, askedAtMs, packedBytes: body.answers.length, broadcaster, others })
    } catch (error) {
      settleAll(error)
    } finally {
      messages.delete(message)
    }
  }

  function hear(
    entries: readonly Entry[],
    told: ReadAnswers,
    from: {
      readonly chain: ChainId
      readonly askedAtMs: number
      readonly packedBytes: number
      readonly broadcaster: number
      readonly others: readonly number[]
    },
  ): void {
    const nowMs = performance.now()
    const freshUntilMs = Math.min(nowMs + Math.min(told.freshMs, maxFreshMs), from.askedAtMs + maxAgeMs)
    noteHead(from.chain, { height: told.height, freshUntilMs, askedAtMs: from.askedAtMs })
    const plainBytes = told.answers.reduce((sum, answer) => sum + sizeOf(answer), answersHeaderBytes)
    const elsewhere: Entry[] = []
    const again: Entry[] = []

    for (const [index, entry] of entries.entries()) {
      if (entry.callers.size === 0) continue
      const { chain, read, key } = entry
      const answer = told.answers[index] as ReadAnswer
      const judged = judge(answer)
      if (judged instanceof Uint8Array) {
        sizes.learn(chain, read.method, key, (sizeOf(answer) * from.packedBytes) / plainBytes)
        if (!entry.stale) memory.keep(chain, read.method, key, judged, freshUntilMs, nowMs)
        settle(entry, judged)
        continue
      }
      const { error, kind } = judged
      const sizeBytes = error.errorName === 'answerTooLarge' ? Number(error.values.sizeBytes) : 0
      if (sizeBytes > 0 && !entry.again && packetsFor(answersHeaderBytes + sizeBytes) <= maxSurbsPerMessage) {
        for (const caller of [...entry.callers]) {
          if (sizeBytes > caller.maxResultBytes + answersHeaderBytes + resultHeaderBytes) caller.settle(error)
        }
        if (entry.callers.size > 0) {
          sizes.learn(chain, read.method, key, sizeBytes)
          entry.again = true
          entry.expectedBytes = sizeBytes
          again.push(entry)
        } else finish(entry)
      } else if (kind === 'failed' || from.others.length === 0) settle(entry, error)
      else elsewhere.push(entry)
    }
    if (again.length > 0) send(again, [from.broadcaster, ...from.others])
    if (elsewhere.length > 0) send(elsewhere, from.others)
  }

  function noteHead(chain: ChainId, head: Head & { readonly askedAtMs: number }): void {
    const known = heads.get(chain)
    if (head.height === 0n || (known && known.askedAtMs > head.askedAtMs)) return
    heads.delete(chain)
    heads.set(chain, head)
    const [oldest] = heads.keys()
    if (heads.size > maxChainHeads && oldest !== undefined) heads.delete(oldest)
  }

  return {
    read,
    counters,
    forget(chain) {
      memory.forget(chain)
      for (const [key, entry] of underWay) {
        if (entry.chain !== chain || entry.message === undefined) continue
        entry.stale = true
        underWay.delete(key)
      }
      const head = heads.get(chain)
      if (head) heads.set(chain, { ...head, freshUntilMs: Math.min(head.freshUntilMs, performance.now()) })
    },
    head(chain) {
      const known = heads.get(chain)
      return known && { height: known.height, freshUntilMs: known.freshUntilMs }
    },
    stop() {
      clearTimeout(timer)
      timer = undefined
      const error = () => new VeilcastError('clientStopped', { outcome: 'notSent', details: onlyAsked })
      for (const entry of gathering) settle(entry, error())
      for (const { entries } of [...messages]) for (const entry of [...entries]) settle(entry, error())
      gathering = []
      memory.clear()
      heads.clear()
    },
  }
}

const resultHeaderBytes = 5

function sizeOf(answer: ReadAnswer): number {
  if (answer.kind === 'result') return resultHeaderBytes + answer.result.length
  return answer.kind === 'reverted' ? 3 + answer.data.length : 22
}

function packetsFor(answersBytes: number): number {
  return replyPackets(resultsHeaderBytes + answersBytes)
}

/** @throws VeilcastError `readFailed` */
async function unpack(body: ResultsReply, count: number): Promise<ReadAnswers> {
  const told = await unpackAnswers(body)
  if (told.answers.length === count) return told
  throw new VeilcastError('readFailed', { details: 'There are not as many answers as reads.' })
}

/** The result, in bytes that are JSON; or why there is none, and whether the next broadcaster may have one. */
function judge(answer: ReadAnswer) {
  if (answer.kind === 'failed') return judgeFailure({ ...answer.error, outcome: 'notSent' })
  if (answer.kind === 'reverted') {
    const error = new VeilcastError('callReverted', { data: `0x${bytesToHex(answer.data)}` })
    return { kind: 'failed', error } as const
  }
  try {
    parseResult(answer.result)
    return answer.result
  } catch (error) {
    return { kind: 'elsewhere', error: error as VeilcastError } as const
  }
}

/** Read anew for each caller, so that nobody sees what another does to it. */
function give(result: Uint8Array, limitBytes: number): unknown {
  if (result.length > limitBytes) {
    throw new VeilcastError('answerTooLarge', { values: { sizeBytes: result.length, limitBytes } })
  }
  return parseResult(result)
}

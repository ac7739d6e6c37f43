import { type MixnetAddress, type MixnetDialer, MixnetError, parseAddress } from '@veilcast/shared/mixnet'
import {
  type ChainId,
  isChainId,
  maxMethodBytes,
  maxNotAfterSeconds,
  maxReadParamsBytes,
  maxReadResultBytes,
  maxTransactionBytes,
  type RequestId,
  type TxId,
  toRequestId,
  toTxId,
  type Until,
  untilWords,
} from '@veilcast/shared/protocol'
import type { Timing } from './converse.ts'
import { type Field, invalid, isObject, loose, optional, or, strict, that, whole } from './fields.ts'
import { hexToBytes } from './hex.ts'
import type { Journal } from './journal/Journal.ts'
import type { Ended } from './journal/Submission.ts'
import type { Progress } from './receipt.ts'

/**
 * The door: what a caller passes in becomes what the rest trusts. Every fault throws VeilcastError `invalidArgument` whose
 * details name the field, and never its value.
 */

export interface WaitOptions {
  /** Ends the wait. What was handed to the mixnet is not taken back: the error's outcome says what may still happen. */
  readonly signal?: AbortSignal | undefined
  /** Default 120 000, at most 86 400 000. */
  readonly timeoutMs?: number | undefined
}

export const maxBroadcasters = 32
export const maxTimeoutMs = 86_400_000
const defaultTimeoutMs = 120_000
const defaultNotAfterSeconds = 600

const chainId = that<ChainId>(
  (value) => typeof value === 'string' && isChainId(value),
  'has the form of CAIP-2: eip155:1, cosmos:cosmoshub-4',
)
const bytesOrHex = that<Uint8Array | string>(
  (value) => value instanceof Uint8Array || (typeof value === 'string' && isHex(value)),
  `is bytes, or hex, at most ${maxTransactionBytes} bytes`,
)
const signedTx: Field<Uint8Array> = (value, path) => {
  const given = bytesOrHex(value, path)
  const bytes = typeof given === 'string' ? hexToBytes(withoutPrefix(given)) : new Uint8Array(given)
  if (bytes.length === 0) throw invalid(`${path}: is empty.`)
  if (bytes.length > maxTransactionBytes)
    throw invalid(`${path}: is longer than ${maxTransactionBytes} bytes.`)
  return bytes
}
const until = that<Until>(
  (value) => untilWords.some((word) => word === value),
  `is one of ${untilWords.join(', ')}`,
)
const flag = or(
  that<boolean>((value) => typeof value === 'boolean', 'is true or false'),
  false,
)
const requestId = hexOf(16, 'is 32 hex digits')
const txId = hexOf(32, 'is 64 hex digits, with or without 0x')
const signal = that<AbortSignal>(
  (value) =>
    isObject(value) && typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function',
  'is an AbortSignal',
)
const callback = <T>() => that<T>((value) => typeof value === 'function', 'is a function')

function hexOf(bytes: number, message: string): Field<Uint8Array> {
  const digits = new RegExp(`^(0x)?[0-9a-fA-F]{${bytes * 2}}$`)
  const hex = that<string>((value) => typeof value === 'string' && digits.test(value), message)
  return (value, path) => hexToBytes(withoutPrefix(hex(value, path)))
}

function isHex(text: string): boolean {
  return (
    text.length <= 2 + 2 * maxTransactionBytes && text.length % 2 === 0 && /^(0x)?[0-9a-fA-F]*$/.test(text)
  )
}

function withoutPrefix(hex: string): string {
  return hex.startsWith('0x') ? hex.slice(2) : hex
}

const broadcasterOf = (count: number) => optional(whole(0, count - 1))

const waitOptions = loose({
  signal: optional(signal),
  timeoutMs: or(whole(1, maxTimeoutMs), defaultTimeoutMs),
})

export function parseWait(options: unknown): { signal: AbortSignal | undefined; timeoutMs: number } {
  const { signal, timeoutMs } = waitOptions(options, 'options')
  return { signal, timeoutMs }
}

const progressOptions = loose({ onProgress: optional(callback<(progress: Progress) => void>()) })

export function parseProgress(
  options: unknown,
  warn: (message: string) => void,
): (progress: Progress) => void {
  const { onProgress } = progressOptions(options, 'options')
  return (progress) => {
    try {
      onProgress?.(progress)
    } catch {
      warn('onProgress threw.')
    }
  }
}

const onEnded = optional(callback<(ended: Ended) => void | Promise<void>>())
const submitOptions = loose({
  journal: or(
    that<boolean>((value) => typeof value === 'boolean', 'is true or false'),
    true,
  ),
  onEnded,
})

/** Whether a submit is written in the journal, where there is one, and who has to have heard before it is taken out. */
export function parseJournaling(options: unknown) {
  return submitOptions(options, 'options')
}

const resumeOptions = loose({ onResumed: onEnded })

export function parseResume(options: unknown) {
  return resumeOptions(options, 'options')
}

const submitParameters = strict({
  chain: chainId,
  signedTx,
  until: or(until, 'included'),
  notAfter: optional(
    that<Date | number>(
      (value) => (value instanceof Date ? !Number.isNaN(value.getTime()) : Number.isSafeInteger(value)),
      'is a Date, or whole seconds since 1970',
    ),
  ),
  everyStage: flag,
})

export function parseSubmit(parameters: unknown, nowMs: number) {
  const { chain, signedTx, until, notAfter, everyStage } = submitParameters(parameters, 'parameters')
  const now = Math.floor(nowMs / 1000)
  const seconds =
    notAfter === undefined
      ? now + defaultNotAfterSeconds
      : notAfter instanceof Date
        ? Math.floor(notAfter.getTime() / 1000)
        : notAfter
  if (seconds <= now) throw invalid('notAfter: has passed; it counts seconds since 1970.')
  if (seconds > now + maxNotAfterSeconds) {
    throw invalid(
      `notAfter: lies more than ${maxNotAfterSeconds} seconds ahead; it counts seconds, not milliseconds.`,
    )
  }
  return { chain, signedTx, until, notAfter: seconds, everyStage }
}

const statusParameters = (broadcasters: number) =>
  strict({
    submitId: requestId,
    chain: optional(chainId),
    signedTx: optional(signedTx),
    txId: optional(txId),
    until: or(until, 'accepted'),
    everyStage: flag,
    broadcaster: broadcasterOf(broadcasters),
  })

export function parseStatus(parameters: unknown, broadcasters: number) {
  const parsed = statusParameters(broadcasters)(parameters, 'parameters')
  const { submitId, chain, signedTx, until, everyStage, broadcaster } = parsed
  if (signedTx && !chain) throw invalid('chain: is needed with signedTx.')
  return {
    submitId: toRequestId(submitId) satisfies RequestId,
    chain,
    signedTx,
    txId: parsed.txId && (toTxId(parsed.txId) satisfies TxId),
    until,
    everyStage,
    broadcaster,
  }
}

export function parseInfo(parameters: unknown, broadcasters: number) {
  return strict({ broadcaster: broadcasterOf(broadcasters) })(parameters, 'parameters')
}

const methodCharacters = new RegExp(`^[\\x21-\\x7e]{1,${maxMethodBytes}}$`)
const method = that<string>(
  (value) => typeof value === 'string' && methodCharacters.test(value),
  `is 1 to ${maxMethodBytes} printable characters`,
)

const readParameters = strict({
  chain: chainId,
  method,
  params: or(
    that<object>((value) => typeof value === 'object' && value !== null, 'is an array or an object'),
    [],
  ),
  maxResultBytes: or(whole(1, maxReadResultBytes), 16_384),
})

export function parseRead(parameters: unknown) {
  const { params, ...rest } = readParameters(parameters, 'parameters')
  const text = canonicalJson(params)
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > maxReadParamsBytes) throw invalid(`params: is longer than ${maxReadParamsBytes} bytes.`)
  return { ...rest, params: bytes, text }
}

/** Names in order, so that equal questions are the same bytes, and the bytes tell nobody which library asks. */
function canonicalJson(value: object): string {
  try {
    const text = JSON.stringify(value, (_name, inner: unknown) =>
      isObject(inner) && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    )
    if (text !== undefined) return text
  } catch {
    // A ring, or a bigint.
  }
  throw invalid('params: is what JSON can say.')
}

/** What a client logs: what went wrong, never about whom or what. */
export interface Logger {
  warn(message: string, fields?: Readonly<Record<string, string | number>>): void
}

const timing = strict(
  {
    firstRepeatMs: or(whole(1, 600_000), 6_000),
    laterRepeatMs: or(whole(1, 600_000), 30_000),
    maxRepeatMs: or(whole(1, 600_000), 60_000),
    maxSilences: or(whole(1, 100), 3),
  },
  'timing.',
)
const nymAddress = that<string>((value) => typeof value === 'string', 'is a Nym address')
const nymAddresses: Field<readonly string[]> = (value, path) => {
  if (!Array.isArray(value)) throw invalid(`${path}: is a list of Nym addresses.`)
  if (value.length === 0) throw invalid(`${path}: names no broadcaster.`)
  if (value.length > maxBroadcasters) throw invalid(`${path}: names more than ${maxBroadcasters}.`)
  return value.map((text, index) => nymAddress(text, `${path}.${index}`))
}

const clientOptions = strict({
  mixnet: that<MixnetDialer>(isDialer, 'is a MixnetDialer: createNymWasmDialer(...), say'),
  broadcasters: nymAddresses,
  logger: optional(
    that<Logger>((value) => isObject(value) && typeof value.warn === 'function', 'has the method warn'),
  ),
  random: optional(callback<() => number>()),
  now: optional(callback<() => number>()),
  journal: optional(that<Journal>(isJournal, 'is a Journal: createIndexedDbJournal(), say')),
  timing: or(timing, timing({}, 'timing')),
})

export function parseClient(options: unknown) {
  const { broadcasters, ...rest } = clientOptions(options, 'options')
  const addresses = broadcasters.map((text, index): MixnetAddress => {
    try {
      return parseAddress(text)
    } catch (error) {
      throw invalid(
        `broadcasters[${index}]: ${error instanceof MixnetError ? error.message : 'is no Nym address.'}`,
      )
    }
  })
  if (new Set(addresses).size < addresses.length) throw invalid('broadcasters: names one twice.')
  return { ...rest, timing: rest.timing satisfies Timing, broadcasters: addresses }
}

function isJournal(value: unknown): boolean {
  return isObject(value) && ['put', 'remove', 'entries'].every((name) => typeof value[name] === 'function')
}

function isDialer(value: unknown): boolean {
  return (
    isObject(value) && ['start', 'stop', 'send', 'replies'].every((name) => typeof value[name] === 'function')
  )
}

import { hexToBytes } from '@noble/hashes/utils.js'
import { VeilcastError } from '@veilcast/shared/errors'
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
  untilWords,
} from '@veilcast/shared/protocol'
import * as z from 'zod/mini'
import type { Timing } from './converse.ts'
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
const maxTimeoutMs = 86_400_000
const defaultTimeoutMs = 120_000
const defaultNotAfterSeconds = 600

const chainId = z.custom<ChainId>(
  (value) => typeof value === 'string' && isChainId(value),
  'has the form of CAIP-2: eip155:1, cosmos:cosmoshub-4',
)
const signedTx = z
  .pipe(
    z.custom<Uint8Array | string>(
      (value) => value instanceof Uint8Array || (typeof value === 'string' && isHex(value)),
      `is bytes, or hex, at most ${maxTransactionBytes} bytes`,
    ),
    z.transform((value) =>
      typeof value === 'string' ? hexToBytes(withoutPrefix(value)) : new Uint8Array(value),
    ),
  )
  .check(
    z.refine((bytes) => bytes.length > 0, 'is empty'),
    z.refine((bytes) => bytes.length <= maxTransactionBytes, `is longer than ${maxTransactionBytes} bytes`),
  )
const until = z.enum(untilWords, `is one of ${untilWords.join(', ')}`)
const flag = z.optional(z.boolean('is true or false'))
const requestId = hexOf(16, 'is 32 hex digits')
const txId = hexOf(32, 'is 64 hex digits, with or without 0x')
const signal = z.custom<AbortSignal>(
  (value) =>
    isObject(value) && typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function',
  'is an AbortSignal',
)
const callback = <T>() => z.custom<T>((value) => typeof value === 'function', 'is a function')

function hexOf(bytes: number, message: string) {
  return z.pipe(
    z.string(message).check(z.regex(new RegExp(`^(0x)?[0-9a-fA-F]{${bytes * 2}}$`), message)),
    z.transform((text) => hexToBytes(withoutPrefix(text))),
  )
}

function isHex(text: string): boolean {
  return (
    text.length <= 2 + 2 * maxTransactionBytes && text.length % 2 === 0 && /^(0x)?[0-9a-fA-F]*$/.test(text)
  )
}

function withoutPrefix(hex: string): string {
  return hex.startsWith('0x') ? hex.slice(2) : hex
}

function whole(min: number, max: number) {
  const message = `is a whole number from ${min} to ${max}`
  return z.int(message).check(z.gte(min, message), z.lte(max, message))
}

const broadcasterOf = (count: number) => z.optional(whole(0, count - 1))

const waitOptions = z.looseObject({
  signal: z.optional(signal),
  timeoutMs: z._default(whole(1, maxTimeoutMs), defaultTimeoutMs),
})

export function parseWait(options: unknown): { signal: AbortSignal | undefined; timeoutMs: number } {
  const { signal, timeoutMs } = parse(waitOptions, options, 'options')
  return { signal, timeoutMs }
}

const progressOptions = z.looseObject({ onProgress: z.optional(callback<(progress: Progress) => void>()) })

export function parseProgress(
  options: unknown,
  warn: (message: string) => void,
): (progress: Progress) => void {
  const { onProgress } = parse(progressOptions, options, 'options')
  return (progress) => {
    try {
      onProgress?.(progress)
    } catch {
      warn('onProgress threw.')
    }
  }
}

const submitParameters = z.strictObject({
  chain: chainId,
  signedTx,
  until: z._default(until, 'included'),
  notAfter: z.optional(z.union([z.date(), z.int()], 'is a Date, or whole seconds since 1970')),
  everyStage: flag,
})

export function parseSubmit(parameters: unknown, nowMs: number) {
  const { chain, signedTx, until, notAfter, everyStage = false } = parse(submitParameters, parameters)
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
  z.strictObject({
    submitId: requestId,
    chain: z.optional(chainId),
    signedTx: z.optional(signedTx),
    txId: z.optional(txId),
    until: z._default(until, 'accepted'),
    everyStage: flag,
    broadcaster: broadcasterOf(broadcasters),
  })

export function parseStatus(parameters: unknown, broadcasters: number) {
  const parsed = parse(statusParameters(broadcasters), parameters)
  const { submitId, chain, signedTx, until, everyStage = false, broadcaster } = parsed
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
  return parse(z.strictObject({ broadcaster: broadcasterOf(broadcasters) }), parameters)
}

const readParameters = z.strictObject({
  chain: chainId,
  method: z
    .string('is a string')
    .check(
      z.regex(
        new RegExp(`^[\\x21-\\x7e]{1,${maxMethodBytes}}$`),
        `is 1 to ${maxMethodBytes} printable characters`,
      ),
    ),
  params: z._default(
    z.custom<object>((value) => typeof value === 'object' && value !== null, 'is an array or an object'),
    [],
  ),
  maxResultBytes: z._default(whole(1, maxReadResultBytes), 16_384),
})

export function parseRead(parameters: unknown) {
  const { params, ...rest } = parse(readParameters, parameters)
  return { ...rest, params: encodeJson(params) }
}

function encodeJson(value: object): Uint8Array {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    // A ring, or a bigint.
  }
  if (text === undefined) throw invalid('params: is what JSON can say.')
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > maxReadParamsBytes) throw invalid(`params: is longer than ${maxReadParamsBytes} bytes.`)
  return bytes
}

const timingFields = {
  firstRepeatMs: z._default(whole(1, 600_000), 6_000),
  laterRepeatMs: z._default(whole(1, 600_000), 30_000),
  maxRepeatMs: z._default(whole(1, 600_000), 60_000),
  maxSilences: z._default(whole(1, 100), 3),
}

/** What a client logs: what went wrong, never about whom or what. */
export interface Logger {
  warn(message: string, fields?: Readonly<Record<string, string | number>>): void
}

const clientOptions = z.strictObject({
  mixnet: z.custom<MixnetDialer>(isDialer, 'is a MixnetDialer: createNymWasmDialer(...), say'),
  broadcasters: z
    .array(z.string('is a Nym address'), 'is a list of Nym addresses')
    .check(
      z.minLength(1, 'names no broadcaster'),
      z.maxLength(maxBroadcasters, `names more than ${maxBroadcasters}`),
    ),
  logger: z.optional(
    z.custom<Logger>((value) => isObject(value) && typeof value.warn === 'function', 'has the method warn'),
  ),
  random: z.optional(callback<() => number>()),
  now: z.optional(callback<() => number>()),
  timing: z._default(z.strictObject(timingFields), () => z.parse(z.object(timingFields), {})),
})

export function parseClient(options: unknown) {
  const { broadcasters, ...rest } = parse(clientOptions, options)
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

function isDialer(value: unknown): boolean {
  return (
    isObject(value) && ['start', 'stop', 'send', 'replies'].every((name) => typeof value[name] === 'function')
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function parse<T extends z.core.$ZodType>(schema: T, value: unknown, name?: string): z.core.output<T> {
  const result = z.safeParse(schema, value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = (issue?.path ?? []).map(String).join('.') || name || 'parameters'
  throw invalid(
    issue?.code === 'unrecognized_keys'
      ? `${issue.keys.join(', ')}: unknown.`
      : `${path}: ${issue?.message ?? 'is wrong'}.`,
  )
}

function invalid(details: string): VeilcastError {
  return new VeilcastError('invalidArgument', { details })
}

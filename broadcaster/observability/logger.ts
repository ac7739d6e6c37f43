import { createHmac, randomBytes } from 'node:crypto'
import { type Logger, pino } from 'pino'
import type { TxKey } from '../store/TxStore.ts'

export type { Logger }

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

/**
 * JSON lines on standard error. What is logged is the chain, the stage, a duration and a short id; errors are logged by name and by our own
 * text only, so that no foreign one brings a URL or a transaction with it.
 */
export function createLogger(level: LogLevel): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
  }
  return pino(options, pino.destination({ fd: 2, sync: true }))
}

/**
 * The class of an error, and its text only where the text is ours; of a system call that failed, what it was and its code.
 * Neither its cause nor its stack, which begins with the text.
 */
export function describeError(error: unknown): { name: string; message?: string } {
  if (!(error instanceof Error)) return { name: typeof error }
  const { message } = error
  if (ownErrors.has(error.name)) return { name: error.name, message }
  const { syscall, code } = error as NodeJS.ErrnoException
  // Whatever was thrown may call itself as it likes.
  const name = isWord(error.name) ? error.name : 'Error'
  return isWord(syscall) && isWord(code) ? { name, message: `${syscall} failed: ${code}` } : { name }
}

function isWord(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z_]{1,48}$/.test(text)
}

const ownErrors: ReadonlySet<string> = new Set([
  'StoreError',
  'MixnetError',
  'ProtocolError',
  'ChainUnavailable',
  'TransactionRefused',
  'ReadRefused',
  'ConfigError',
  'DashboardError',
  'JobError',
  'NotThere',
])

const salt = randomBytes(32)

/** Eight characters that tie the lines of one transaction together within this process, and mean nothing outside it. */
export function shortId(key: TxKey): string {
  return createHmac('sha256', salt).update(key).digest('hex').slice(0, 8)
}

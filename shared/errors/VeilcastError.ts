import { catalogue, type ErrorName, type ErrorRow, type Outcome, type Retry } from './catalogue.ts'
import { toU64 } from './toU64.ts'

export interface VeilcastErrorOptions {
  /** Values of the row's `values`, by name. Unsigned 64-bit; what is beyond is clamped. */
  readonly values?: Readonly<Record<string, bigint | number>>
  /** A Cosmos codespace, at most 32 characters. */
  readonly label?: string
  /** Overrides the row's outcome where the broadcaster knows better. */
  readonly outcome?: Outcome
  /** What was wrong and where, in our own words. Never a node's text, never user data. */
  readonly details?: string
  /** What a contract gave when it reverted, in hex with 0x. */
  readonly data?: string
  readonly cause?: unknown
}

/**
 * The one error that Veilcast throws. `errorName` says which row of the catalogue it is, `outcome` whether the
 * transaction could still land, `retry` what to do next.
 */
export class VeilcastError extends Error {
  override readonly name: string
  readonly errorName: ErrorName
  /** JSON-RPC code. Always a number, so that viem does not retry by itself. */
  readonly code: number
  readonly number: number
  readonly outcome: Outcome
  readonly retry: Retry
  readonly shortMessage: string
  readonly details: string | undefined
  readonly metaMessages: readonly string[]
  readonly docsPath: string
  readonly values: Readonly<Record<string, bigint>>
  readonly label: string
  /** As JSON-RPC has it: what a contract gave when it reverted. */
  declare readonly data?: string

  constructor(errorName: ErrorName, options: VeilcastErrorOptions = {}) {
    const row: ErrorRow = catalogue[errorName]
    const values: Record<string, bigint> = {}
    for (const name of row.values) values[name] = toU64(options.values?.[name])
    const label = options.label ?? ''
    const outcome = options.outcome ?? row.outcome
    const shortMessage = row.text.replace(/ ?\{(\w+)\}/g, (match, name: string) => {
      const value = name === 'label' ? label : (values[name]?.toString() ?? '?')
      return value && match.startsWith(' ') ? ` ${value}` : value
    })
    const metaMessages = [
      ...(outcome === 'unknown' && row.outcome === 'notSent' ? [mayStillLand] : []),
      row.fix,
      `Outcome: ${outcome}. Retry: ${row.retry}.`,
    ]
    super([shortMessage, ...(options.details ? [options.details] : []), ...metaMessages].join('\n'), {
      cause: options.cause,
    })
    this.name = `${errorName.charAt(0).toUpperCase()}${errorName.slice(1)}Error`
    this.errorName = errorName
    this.code = row.rpcCode
    this.number = row.number
    this.outcome = outcome
    this.retry = row.retry
    this.shortMessage = shortMessage
    this.details = options.details
    this.metaMessages = metaMessages
    this.docsPath = `docs/errors.md#${errorName.toLowerCase()}`
    this.values = values
    this.label = label
    if (options.data !== undefined) this.data = options.data
  }

  /**
   * The first error along `cause`, this one included, for which `test` holds, or null; without a test the innermost.
   * Looks 32 causes deep.
   */
  walk(test?: (error: unknown) => boolean): unknown {
    let innermost: unknown = this
    for (const error of causes(this)) {
      if (test?.(error)) return error
      innermost = error
    }
    return test ? null : innermost
  }
}

/** Comes before what else to do where this copy of a transaction was not sent, and another one may have been. */
const mayStillLand = 'It may still land: ask for its status before you sign another one.'

/** The VeilcastError in an error that another library may have wrapped, or undefined. Looks 32 causes deep. */
export function findVeilcastError(error: unknown): VeilcastError | undefined {
  for (const cause of causes(error)) if (cause instanceof VeilcastError) return cause
  return undefined
}

const maxCauses = 32

/** An error, its cause, that one's cause: bounded, as causes may form a ring. */
function* causes(error: unknown): Generator<unknown> {
  let current = error
  for (let depth = 0; depth < maxCauses && current !== undefined && current !== null; depth++) {
    yield current
    current = typeof current === 'object' && 'cause' in current ? current.cause : undefined
  }
}

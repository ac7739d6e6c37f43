import { catalogue, type ErrorName, type ErrorRow, type Outcome, type Retry } from './catalogue.ts'

export interface VeilcastErrorOptions {
  /** Values of the row's `values`, by name. Unsigned 64-bit. */
  readonly values?: Readonly<Record<string, bigint | number>>
  /** A Cosmos codespace, at most 32 characters. */
  readonly label?: string
  /** Overrides the row's outcome where the broadcaster knows better. */
  readonly outcome?: Outcome
  /** What was wrong and where, in our own words. Never a node's text, never user data. */
  readonly details?: string
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

  constructor(errorName: ErrorName, options: VeilcastErrorOptions = {}) {
    const row: ErrorRow = catalogue[errorName]
    const values: Record<string, bigint> = {}
    for (const name of row.values) values[name] = BigInt(options.values?.[name] ?? 0)
    const label = options.label ?? ''
    const outcome = options.outcome ?? row.outcome
    const shortMessage = row.text.replace(/ ?\{(\w+)\}/g, (match, name: string) => {
      const value = name === 'label' ? label : (values[name]?.toString() ?? '?')
      return value && match.startsWith(' ') ? ` ${value}` : value
    })
    const metaMessages = [row.fix, `Outcome: ${outcome}. Retry: ${row.retry}.`]
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
  }

  /** The first error along `cause`, this one included, for which `test` holds; without a test the innermost. */
  walk(test?: (error: unknown) => boolean): unknown {
    let current: unknown = this
    for (let depth = 0; depth < 32; depth++) {
      if (test?.(current)) return current
      const cause = current instanceof Error ? current.cause : undefined
      if (cause === undefined || cause === null) return test ? null : current
      current = cause
    }
    return null
  }
}

/** The VeilcastError in an error that another library may have wrapped, or undefined. */
export function findVeilcastError(error: unknown): VeilcastError | undefined {
  let current = error
  for (let depth = 0; depth < 32 && current instanceof Error; depth++) {
    if (current instanceof VeilcastError) return current
    current = current.cause
  }
  return undefined
}

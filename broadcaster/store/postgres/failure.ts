import { StoreError } from '../TxStore.ts'

/**
 * What the driver threw, as a StoreError: SQLSTATE or errno alone. The driver's own text can hold hosts, users and values,
 * and travels no further.
 */
export function failure(action: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  return new StoreError(`Postgres could not ${action}: ${reason(error)}.`)
}

function reason(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error
  if (!(inner instanceof Error)) return 'unknown'
  const code = 'code' in inner ? inner.code : undefined
  if (typeof code === 'string' && /^[A-Z0-9_]{5,40}$/.test(code)) return code
  return /timeout/i.test(inner.message) ? 'no answer in time' : 'the connection failed'
}

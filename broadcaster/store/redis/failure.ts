import { StoreError } from '../TxStore.ts'

/** What the driver threw, as a StoreError: Redis's error word or errno alone, since the rest can hold hosts and values. */
export function failure(action: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  if (/cluster support disabled/i.test(innermost(error)?.message ?? '')) {
    return new StoreError('This Redis is no cluster: set cluster to false.')
  }
  return new StoreError(`Redis could not ${action}: ${reason(error)}.`)
}

function reason(error: unknown): string {
  const inner = innermost(error)
  if (inner === undefined) return 'unknown'
  if ('code' in inner && typeof inner.code === 'string' && /^E[A-Z]{3,20}$/.test(inner.code))
    return inner.code
  const word = /^([A-Z]{3,20})\b/.exec(inner.message)?.[1]
  if (inner.name === 'ReplyError' && word !== undefined) return word
  return /timed out/i.test(inner.message) ? 'no answer in time' : 'the connection failed'
}

/** Of one for several nodes or addresses, that of one of them. */
function innermost(error: unknown): Error | undefined {
  const inner = error instanceof AggregateError ? error.errors[0] : error
  if (!(inner instanceof Error)) return undefined
  return 'lastNodeError' in inner && inner.lastNodeError !== undefined
    ? innermost(inner.lastNodeError)
    : inner
}

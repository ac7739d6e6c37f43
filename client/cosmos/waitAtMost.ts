import { VeilcastError } from '@veilcast/shared/errors'
import type { Wait } from './Wait.ts'

/**
 * Waits for what goes on whether or not anybody waits.
 * @throws VeilcastError `aborted`, `replyTimeout`
 */
export function waitAtMost<T>(going: Promise<T>, { signal, timeoutMs }: Wait): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => end(() => reject(new VeilcastError('aborted', { cause: signal?.reason })))
    const timer = setTimeout(
      () => end(() => reject(new VeilcastError('replyTimeout', { values: { waitedMs: timeoutMs } }))),
      timeoutMs,
    )
    const end = (settle: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      settle()
    }
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
    going.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    )
  })
}

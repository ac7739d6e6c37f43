/**
 * Runs `work` with a signal that aborts after `timeoutMs`, or with `signal`; the timer goes with the work. What the work
 * rejects with is passed on, except that an abort of `signal` always rejects with its reason.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const deadline = new AbortController()
  const abort = () => deadline.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  const timer = setTimeout(
    () => deadline.abort(new DOMException('No answer in time.', 'TimeoutError')),
    timeoutMs,
  )
  timer.unref()
  try {
    return await untilAborted(work(deadline.signal), deadline.signal)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** Work that does not heed its signal is left behind: its late answer or error goes nowhere. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', abort))
  })
}

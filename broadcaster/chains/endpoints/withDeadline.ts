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
  try {
    return await withOwnSignal(signal, timeoutMs, (deadline) => untilAborted(work(deadline), deadline))
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/**
 * Runs `work` with a signal that aborts with `signal`, after `timeoutMs`, and at the latest when the work has ended. Leaves
 * nothing at `signal`: AbortSignal.any leaves some bytes there at each call, which add up where it lives as long as the process.
 */
export async function withOwnSignal<T>(
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController()
  const abort = () => own.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => own.abort(new DOMException('No answer in time.', 'TimeoutError')), timeoutMs)
  timer?.unref()
  try {
    return await work(own.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    own.abort()
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

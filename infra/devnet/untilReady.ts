import { ChainStartError } from './errors.ts'
import type { ProcessGroup } from './spawnGroup.ts'

/**
 * Waits for a sign of readiness; if it does not come, stops the process.
 *
 * @throws ChainStartError if the process ends or `limitMs` passes first
 * @throws the signal's reason if it aborts first
 */
export async function untilReady<T>(
  name: string,
  group: ProcessGroup,
  ready: Promise<T>,
  { limitMs, signal }: { limitMs: number; signal?: AbortSignal | undefined },
): Promise<T> {
  const ended = new AbortController()
  const limit = new Promise<never>((_, reject) => {
    const refuse = (reason: string) =>
      reject(new ChainStartError([`${name} ${reason}`, ...group.lastLines().slice(-6)].join('\n')))
    const timer = setTimeout(() => refuse(`was not ready within ${limitMs / 1000} s`), limitMs)
    ended.signal.addEventListener('abort', () => clearTimeout(timer))
    group.exited.then(({ status }) => refuse(`ended with status ${status}`))
    signal?.addEventListener('abort', () => reject(signal.reason), {
      signal: ended.signal,
    })
    if (signal?.aborted) reject(signal.reason)
  })
  try {
    return await Promise.race([ready, limit])
  } catch (error) {
    await group.stop()
    throw error
  } finally {
    ended.abort()
  }
}

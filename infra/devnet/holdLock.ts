import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isProcessAlive } from './isProcessAlive.ts'

const heartbeatMs = 5_000
const silentOwnerMs = 30_000
const pollMs = 250

export type HoldLockOptions = {
  signal?: AbortSignal | undefined
  /** Called once if another process holds the lock. */
  onWait?: (ownerProcessId: number) => void
}

/**
 * Takes a lock file among processes of one user, runs `work`, and gives it back. A lock whose owner is dead, or has not
 * touched it for 30 s, is taken over. Two heirs may do so at the same moment, and both win: what runs under it must be
 * merely wasteful when done twice.
 */
export async function holdLock<T>(
  path: string,
  options: HoldLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  await takeLock(path, options)
  const heartbeat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), heartbeatMs)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    if ((await readOwner(path)) === process.pid) await rm(path, { force: true })
  }
}

async function takeLock(path: string, { signal, onWait }: HoldLockOptions): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  let waited = false
  for (;;) {
    signal?.throwIfAborted()
    try {
      await writeFile(path, `${process.pid}\n`, { flag: 'wx' })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = await readOwner(path)
    const touched = (await stat(path).catch(() => undefined))?.mtimeMs
    if (touched === undefined) continue
    // An empty file is a lock in the making: its owner is between opening and writing it.
    const alive = owner === undefined || isProcessAlive(owner)
    if (!alive || Date.now() - touched > silentOwnerMs) {
      await rm(path, { force: true })
      continue
    }
    if (!waited && owner !== undefined) {
      waited = true
      onWait?.(owner)
    }
    await delay(pollMs, undefined, signal && { signal })
  }
}

async function readOwner(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return Number.parseInt(text, 10) || undefined
}

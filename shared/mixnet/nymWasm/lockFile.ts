import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { MixnetError } from '../Mixnet.ts'

export interface FileLock {
  release(): Promise<void>
}

/** An owner on another host, such as a container that was replaced, is gone when it has not touched its lock for so long. */
const heartbeatMs = 10_000
const maxSilenceMs = 45_000

/** A takeover takes a millisecond; one that was killed in it is passed over. */
const maxTakeoverMs = 5_000
const attemptMs = 50
const maxAttempts = 200

/**
 * One owner for a file. The lock of a process that was killed is taken over: its process id is gone, or belongs to a process
 * that started at another time.
 *
 * @throws MixnetError `unreachable` while the owner lives
 */
export async function lockFile(path: string): Promise<FileLock> {
  const mine = JSON.stringify({
    pid: process.pid,
    startedAt: await startOf(process.pid),
    host: hostname(),
    nonce: randomBytes(8).toString('hex'),
  })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, mine, { flag: 'wx', mode: 0o600 })
  try {
    for (let attempt = 0; !(await isCreated(draft, path)); attempt += 1) {
      const theirs = await readIfThere(path)
      if (theirs === undefined) continue
      if (attempt >= maxAttempts || (await isHeld(path, theirs))) {
        throw new MixnetError('unreachable', 'Another process runs with this identity file.')
      }
      if (await isTakenOver(draft, path, theirs)) break
    }
  } finally {
    await rm(draft, { force: true })
  }

  const heartbeat = setInterval(
    () => void utimes(path, new Date(), new Date()).catch(() => undefined),
    heartbeatMs,
  )
  heartbeat.unref()
  return {
    async release() {
      clearInterval(heartbeat)
      if ((await readIfThere(path)) === mine) await rm(path, { force: true })
    },
  }
}

/** A link appears whole, with its content, or not at all. */
async function isCreated(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Replaces a lock whose owner is gone. One at a time, or two could each replace what the other just wrote. */
async function isTakenOver(draft: string, path: string, stale: string): Promise<boolean> {
  const guard = `${path}.takeover`
  try {
    await mkdir(guard)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const made = await stat(guard).catch(() => undefined)
    if (made && Date.now() - made.mtimeMs > maxTakeoverMs) await rmdir(guard).catch(() => undefined)
    await setTimeout(attemptMs)
    return false
  }
  try {
    if ((await readIfThere(path)) !== stale) return false
    await rename(draft, path)
    return true
  } finally {
    await rmdir(guard)
  }
}

async function isHeld(path: string, content: string): Promise<boolean> {
  let owner: { pid?: unknown; startedAt?: unknown; host?: unknown }
  try {
    owner = JSON.parse(content)
  } catch {
    return false
  }
  if (typeof owner?.pid !== 'number') return false
  if (owner.host !== hostname()) {
    const touched = await stat(path).catch(() => undefined)
    return touched !== undefined && Date.now() - touched.mtimeMs < maxSilenceMs
  }
  return isAlive(owner.pid) && (await startOf(owner.pid)) === owner.startedAt
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When a process started, in the words of its system; empty where nobody says. */
async function startOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') {
      const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').pop()?.split(' ')
      // Field 22 of proc(5): ticks since boot.
      return fields?.[19] ?? ''
    }
    if (process.platform === 'win32') return ''
    return (await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)])).stdout.trim()
  } catch {
    return ''
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

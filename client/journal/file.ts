import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { checkRoom, roomOf } from './checkRoom.ts'
import type { Journal, JournalLimits } from './Journal.ts'

export interface FileJournalOptions extends JournalLimits {
  /** Made, for this user alone, where it is not there. Each journal has a folder of its own. */
  readonly folder: string
}

/**
 * A journal in a folder: a file for each entry, `<id>.json`, which only this user can read. An entry appears whole or not at
 * all, and is on disk before `put` resolves. A file that holds no JSON is set aside as `<id>.corrupt`.
 *
 * Several processes may share a folder.
 *
 * @example
 * import { createClient } from '@veilcast/client'
 * import { createFileJournal } from '@veilcast/client/journal/file'
 *
 * const client = createClient({ mixnet, broadcasters, journal: createFileJournal({ folder: 'journal' }) })
 * await client.start()
 * for (const { txId, receipt } of await client.resume()) receipt.then(console.log, console.error)
 *
 * @throws VeilcastError `invalidArgument`; its methods reject with `journalUnavailable`
 */
export function createFileJournal(options: FileJournalOptions): Journal {
  const { folder } = options
  if (typeof folder !== 'string' || folder === '') {
    throw new VeilcastError('invalidArgument', { details: 'folder: is the name of a folder.' })
  }
  const room = roomOf(options)
  const pathOf = (id: string) => join(folder, `${id}.json`)
  let opened: Promise<void> | undefined
  /** One change at a time, or two could each take the last free place. */
  let changing: Promise<unknown> = Promise.resolve()

  const within = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      opened ??= openFolder(folder)
      await opened
      return await act()
    } catch (error) {
      opened = undefined
      throw describe(error)
    }
  }
  const change = (act: () => Promise<void>): Promise<void> => {
    const changed = changing.then(() => within(act))
    changing = changed.catch(() => undefined)
    return changed
  }

  return {
    put: (entry) =>
      change(async () => {
        const text = JSON.stringify(entry)
        const name = `${checkId(entry.id)}.json`
        const others = { entries: 0, bytes: 0 }
        for (const file of await entryFiles(folder, room.maxEntries + 1)) {
          if (file === name) continue
          others.entries += 1
          others.bytes += (await stat(join(folder, file)).catch(() => undefined))?.size ?? 0
        }
        checkRoom(room, others, text.length)
        const draft = join(folder, `${entry.id}.${randomBytes(6).toString('hex')}.draft`)
        try {
          await writeDurably(draft, text)
          await rename(draft, pathOf(entry.id))
        } catch (error) {
          await rm(draft, { force: true }).catch(() => undefined)
          throw error
        }
        await syncFolder(folder)
      }),

    remove: (id) =>
      change(async () => {
        await rm(pathOf(checkId(id)), { force: true })
        await syncFolder(folder)
      }),

    entries: () =>
      within(async () => {
        const found: unknown[] = []
        for (const file of await entryFiles(folder, room.maxEntries)) {
          const entry = await readEntry(join(folder, file), room.maxBytes)
          if (entry !== undefined) found.push(entry)
        }
        return found
      }),
  }
}

const maxDraftAgeMs = 60_000

/** Drafts of a process that was killed while it wrote are removed. */
async function openFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for await (const { name } of await opendir(folder)) {
    if (!/^[0-9a-f]{32}\.[0-9a-f]{12}\.draft$/.test(name)) continue
    const path = join(folder, name)
    const made = await stat(path).catch(() => undefined)
    if (made && Date.now() - made.mtimeMs > maxDraftAgeMs) await rm(path, { force: true })
  }
}

/** At most so many. */
async function entryFiles(folder: string, maxFiles: number): Promise<string[]> {
  const files: string[] = []
  for await (const { name } of await opendir(folder)) {
    if (!/^[0-9a-f]{32}\.json$/.test(name)) continue
    files.push(name)
    if (files.length >= maxFiles) break
  }
  return files
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A name is durable once its folder is. Windows cannot, and need not. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Undefined for what is gone; null, which no reader takes for an entry, for what cannot be read. What is no JSON is set aside. */
async function readEntry(path: string, maxBytes: number): Promise<unknown> {
  // A link is not followed, and a pipe is not waited for.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  try {
    const file = await open(path, flags)
    try {
      const found = await file.stat()
      if (!found.isFile()) return null
      if (found.size > maxBytes) throw new SyntaxError('too long')
      return JSON.parse(await file.readFile('utf8'))
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof SyntaxError) {
      await rename(path, path.replace(/json$/, 'corrupt')).catch(() => undefined)
    }
    return null
  }
}

function checkId(id: string): string {
  if (!/^[0-9a-f]{32}$/.test(id))
    throw new VeilcastError('journalUnavailable', { details: 'No id of an entry.' })
  return id
}

/** The system's message names the path: its code says enough. */
function describe(error: unknown): VeilcastError {
  const known = findVeilcastError(error)
  if (known) return known
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'an error'
  return new VeilcastError('journalUnavailable', {
    details:
      code === 'ENOSPC' || code === 'EDQUOT' ? 'The storage is full.' : `The file system gave ${code}.`,
    cause: error,
  })
}

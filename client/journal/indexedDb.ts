import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { bytesOf, checkRoom, roomOf } from './checkRoom.ts'
import type { Journal, JournalEntry, JournalLimits } from './Journal.ts'

export interface IndexedDbJournalOptions extends JournalLimits {
  /** Of the database, and so of the journal: each that is opened under one name in one origin is the same. Default `veilcast-journal`. */
  readonly name?: string | undefined
}

interface Row {
  readonly id: string
  readonly bytes: number
  readonly entry: JournalEntry
}

/**
 * A journal in the browser's IndexedDB, written with strict durability. Pages and workers of one origin share it; where there
 * are Web Locks, an entry is followed by one of them at a time, and by another once that one is gone.
 *
 * The browser may evict it when the disk is full, unless the page asked for `navigator.storage.persist()`.
 *
 * @example
 * import { createClient } from '@veilcast/client'
 * import { createIndexedDbJournal } from '@veilcast/client/journal/indexed-db'
 *
 * const client = createClient({ mixnet, broadcasters, journal: createIndexedDbJournal() })
 * await client.start()
 * for (const { txId, receipt } of await client.resume()) receipt.then(console.log, console.error)
 *
 * @throws VeilcastError `invalidArgument`; its methods reject with `journalUnavailable`
 */
export function createIndexedDbJournal(options: IndexedDbJournalOptions = {}): Journal {
  const { name = 'veilcast-journal' } = options
  const room = roomOf(options)
  let opened: Promise<IDBDatabase> | undefined

  const open = (): Promise<IDBDatabase> => {
    opened ??= openDatabase(name, () => {
      opened = undefined
    }).catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }

  const within = async <T>(
    mode: IDBTransactionMode,
    act: (store: IDBObjectStore) => Promise<T>,
  ): Promise<T> => {
    try {
      const transaction = (await open()).transaction('entries', mode, { durability: 'strict' })
      const ended = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve()
        transaction.onabort = () => reject(transaction.error)
      })
      try {
        const value = await act(transaction.objectStore('entries'))
        await ended
        return value
      } catch (error) {
        ended.catch(() => undefined)
        if (!transaction.error) abort(transaction)
        throw error
      }
    } catch (error) {
      throw describe(error)
    }
  }

  return {
    put: (entry) =>
      within('readwrite', async (store) => {
        const bytes = bytesOf(entry)
        checkRoom(room, await sumUp(store, entry.id), bytes)
        await resultOf(store.put({ id: entry.id, bytes, entry } satisfies Row))
      }),
    remove: (id) =>
      within('readwrite', async (store) => {
        await resultOf(store.delete(id))
      }),
    entries: () =>
      within('readonly', async (store) => {
        const rows: unknown[] = await resultOf(store.getAll(undefined, room.maxEntries))
        return rows.map((row) => (row as Partial<Row> | null)?.entry)
      }),
    claim: (id) => claim(`veilcast ${name} ${id}`),
  }
}

const version = 1

function openDatabase(name: string, closed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version)
    request.onupgradeneeded = () =>
      request.result.createObjectStore('entries', { keyPath: 'id' }).createIndex('bytes', 'bytes')
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new DOMException('blocked', 'InvalidStateError'))
    request.onsuccess = () => {
      const database = request.result
      // Another page upgrades or deletes it; the next use opens it again.
      database.onversionchange = () => {
        database.close()
        closed()
      }
      database.onclose = closed
      resolve(database)
    }
  })
}

/** How many entries there are beside one, and their bytes: read from the index, so that no transaction is loaded. */
function sumUp(store: IDBObjectStore, besides: string): Promise<{ entries: number; bytes: number }> {
  const sum = { entries: 0, bytes: 0 }
  return new Promise((resolve, reject) => {
    const request = store.index('bytes').openKeyCursor()
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const cursor = request.result
      if (!cursor) return resolve(sum)
      if (cursor.primaryKey !== besides) {
        sum.entries += 1
        sum.bytes += Number(cursor.key)
      }
      cursor.continue()
    }
  })
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended already.
  }
}

/** Held until it is released, or the page is gone. */
function claim(name: string): ReturnType<NonNullable<Journal['claim']>> {
  // Only secure contexts have them.
  const locks: LockManager | undefined = globalThis.navigator?.locks
  if (!locks) return Promise.resolve({ release: () => undefined })
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(undefined)
        return new Promise<void>((release) => resolve({ release }))
      })
      .catch(reject)
  })
}

function describe(error: unknown): VeilcastError {
  const known = findVeilcastError(error)
  if (known) return known
  const name = error instanceof Error || error instanceof DOMException ? error.name : 'an error'
  return new VeilcastError('journalUnavailable', {
    details: name === 'QuotaExceededError' ? 'The storage is full.' : `IndexedDB gave ${name}.`,
    cause: error,
  })
}

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Journal } from '@veilcast/client'
import { createIndexedDbJournal } from '@veilcast/client/journal/indexed-db'
import { IDBFactory, IDBObjectStore } from 'fake-indexeddb'
import { journalEntry } from '../../contract/journal.ts'
import 'fake-indexeddb/auto'

describe('createIndexedDbJournal', () => {
  let journal: Journal
  const { navigator: machine } = globalThis
  beforeEach(() => {
    globalThis.indexedDB = new IDBFactory()
    journal = createIndexedDbJournal()
  })
  afterEach(() => {
    jest.restoreAllMocks()
    setNavigator(machine)
  })

  function setNavigator(value: unknown) {
    Object.defineProperty(globalThis, 'navigator', { value, configurable: true, writable: true })
  }
  /** As pages of one origin share them. */
  function shareLocks() {
    const held = new Set<string>()
    const request = async (name: string, _: object, act: (lock: object | null) => unknown) => {
      if (held.has(name)) return act(null)
      held.add(name)
      try {
        return await act({ name })
      } finally {
        held.delete(name)
      }
    }
    setNavigator({ locks: { request } })
    return held
  }
  const database = (): Promise<IDBDatabase> =>
    new Promise((resolve) => {
      const request = indexedDB.open('veilcast-journal')
      request.onsuccess = () => resolve(request.result)
    })

  it('default: under another name it is another journal', async () => {
    await journal.put(journalEntry(1))
    expect(await createIndexedDbJournal({ name: 'other' }).entries()).toEqual([])
    expect(await createIndexedDbJournal().entries()).toEqual([journalEntry(1)])
  })

  it('behavior: one page has an entry, until it lets go or is gone', async () => {
    const held = shareLocks()
    const { id } = journalEntry(1)
    const other = createIndexedDbJournal()
    const mine = await journal.claim!(id)
    expect(mine).toBeDefined()
    expect(await other.claim!(id)).toBeUndefined()
    expect(await createIndexedDbJournal({ name: 'other' }).claim!(id)).toBeDefined()
    mine!.release()
    await new Promise((resolve) => setTimeout(resolve))
    expect(held.size).toBe(1)
    expect(await other.claim!(id)).toBeDefined()
  })

  it.each([undefined, {}])('behavior: without Web Locks, as in %j, everyone may have it', async (value) => {
    setNavigator(value)
    expect(await journal.claim!(journalEntry(1).id)).toBeDefined()
    expect(await journal.claim!(journalEntry(1).id)).toBeDefined()
  })

  it('behavior: locks that are refused are an error, not a claim', async () => {
    setNavigator({ locks: { request: () => Promise.reject(new DOMException('no', 'SecurityError')) } })
    await expect(journal.claim!(journalEntry(1).id)).rejects.toMatchObject({ name: 'SecurityError' })
  })

  it('behavior: gives back what somebody else put there as it is, for the client to judge', async () => {
    await journal.put(journalEntry(1))
    const db = await database()
    const store = db.transaction('entries', 'readwrite').objectStore('entries')
    store.put({ id: 'a', entry: 'foreign' })
    store.put({ id: 'b' })
    db.close()
    expect(await journal.entries()).toEqual([journalEntry(1), 'foreign', undefined])
  })

  it('behavior: a page that deletes or upgrades the database is not kept waiting', async () => {
    await journal.put(journalEntry(1))
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase('veilcast-journal')
      request.onsuccess = () => resolve()
      request.onblocked = () => reject(new Error('blocked'))
    })
    expect(await journal.entries()).toEqual([])
    await journal.put(journalEntry(2))
    expect(await journal.entries()).toEqual([journalEntry(2)])
  })

  it('error: a full disk: told, and what is there stays', async () => {
    await journal.put(journalEntry(1))
    jest.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('Quota', 'QuotaExceededError')
    })
    await expect(journal.put(journalEntry(2))).rejects.toMatchObject({
      errorName: 'journalUnavailable',
      details: 'The storage is full.',
    })
    jest.restoreAllMocks()
    expect(await journal.entries()).toEqual([journalEntry(1)])
  })

  it('error: a full disk that shows only when it is written out', async () => {
    await journal.put(journalEntry(1))
    const real = IDBObjectStore.prototype.put
    jest.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      value: unknown,
    ) {
      const request = real.call(this, value)
      request.addEventListener('success', () => this.transaction.abort())
      return request
    } as never)
    await expect(journal.put(journalEntry(2))).rejects.toMatchObject({ errorName: 'journalUnavailable' })
    jest.restoreAllMocks()
    expect(await journal.entries()).toEqual([journalEntry(1)])
  })

  it('error: no IndexedDB here; once it is there, the journal works', async () => {
    const { indexedDB: real } = globalThis
    Reflect.deleteProperty(globalThis, 'indexedDB')
    await expect(journal.put(journalEntry(1))).rejects.toMatchObject({
      errorName: 'journalUnavailable',
      outcome: 'notSent',
      details: 'IndexedDB gave ReferenceError.',
    })
    globalThis.indexedDB = real
    await journal.put(journalEntry(1))
  })

  it('error: a database of a later version is let alone', async () => {
    await new Promise<void>((resolve) => {
      const request = indexedDB.open('veilcast-journal', 2)
      request.onsuccess = () => {
        request.result.close()
        resolve()
      }
    })
    await expect(journal.entries()).rejects.toMatchObject({
      errorName: 'journalUnavailable',
      details: 'IndexedDB gave VersionError.',
    })
  })
})

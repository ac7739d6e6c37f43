import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Journal, JournalEntry, JournalLimits } from '@veilcast/client'

/** An entry as a client writes it; its transaction is no more than bytes to a journal. */
export function journalEntry(name: number, changes: Partial<JournalEntry> = {}): JournalEntry {
  return {
    version: 1,
    id: name.toString(16).padStart(32, '0'),
    chain: 'eip155:1',
    txId: `0x${'ab'.repeat(32)}`,
    signedTx: '02f8'.repeat(60),
    until: 'included',
    everyStage: false,
    notAfter: 1_800_000_000,
    asked: [{ broadcaster: 'one', requestId: 'cd'.repeat(16) }],
    madeAtMs: 1_799_999_000_000,
    ...changes,
  }
}

export interface JournalStorage {
  open(limits?: JournalLimits): Journal
  remove(): Promise<void>
}

/**
 * What a client counts on, whatever keeps the entries.
 * @param shared whether a second journal that is opened there finds what the first one wrote
 */
export function describeJournalContract(
  name: string,
  make: () => Promise<JournalStorage>,
  shared: boolean,
): void {
  describe(`journal contract: ${name}`, () => {
    let storage: JournalStorage
    let journal: Journal
    beforeEach(async () => {
      storage = await make()
      journal = storage.open()
    })
    afterEach(() => storage.remove())

    const ids = async (from = journal) =>
      ((await from.entries()) as JournalEntry[])
        .map(({ id }) => Number.parseInt(id, 16))
        .sort((a, b) => a - b)

    it('default: gives back what was put, as it was', async () => {
      expect(await journal.entries()).toEqual([])
      const stage = journalEntry(2, { stage: 'accepted', everyStage: true })
      await journal.put(journalEntry(1))
      await journal.put(stage)
      const found = [...((await journal.entries()) as JournalEntry[])].sort((a, b) => (a.id < b.id ? -1 : 1))
      expect(found).toEqual([journalEntry(1), stage])
    })

    it('behavior: keeps a transaction of a megabyte', async () => {
      const large = journalEntry(1, { signedTx: 'c5'.repeat(1_000_000) })
      await journal.put(large)
      expect(await journal.entries()).toEqual([large])
    })

    it('behavior: replaces the one with the same id', async () => {
      await journal.put(journalEntry(1))
      const later = journalEntry(1, {
        asked: [...journalEntry(1).asked, { broadcaster: 'two', requestId: 'ef'.repeat(16) }],
        stage: 'submitted',
      })
      await journal.put(later)
      expect(await journal.entries()).toEqual([later])
    })

    it('behavior: removes one, and does not mind that it is gone', async () => {
      await journal.put(journalEntry(1))
      await journal.put(journalEntry(2))
      await journal.remove(journalEntry(1).id)
      await journal.remove(journalEntry(1).id)
      expect(await ids()).toEqual([2])
    })

    it('behavior: many at once, put and removed', async () => {
      await Promise.all(Array.from({ length: 40 }, (_, index) => journal.put(journalEntry(index))))
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          index % 2 ? journal.remove(journalEntry(index).id) : journal.put(journalEntry(index)),
        ),
      )
      expect(await ids()).toEqual(Array.from({ length: 20 }, (_, index) => 2 * index))
    })

    it('error: full, by entries: what is there stays, and may still be replaced', async () => {
      const small = storage.open({ maxEntries: 2 })
      await small.put(journalEntry(1))
      await small.put(journalEntry(2))
      await expect(small.put(journalEntry(3))).rejects.toMatchObject({
        errorName: 'journalUnavailable',
        outcome: 'notSent',
        details: 'It is full: it takes 2 entries.',
      })
      await small.put(journalEntry(2, { stage: 'included' }))
      expect(await ids(small)).toEqual([1, 2])
      await small.remove(journalEntry(1).id)
      await small.put(journalEntry(3))
      expect(await ids(small)).toEqual([2, 3])
    })

    it('error: full, by bytes', async () => {
      const small = storage.open({ maxBytes: 3_000 })
      await small.put(journalEntry(1, { signedTx: 'ab'.repeat(1_000) }))
      await expect(small.put(journalEntry(2, { signedTx: 'ab'.repeat(1_000) }))).rejects.toMatchObject({
        errorName: 'journalUnavailable',
        details: 'It is full: it takes 3000 bytes.',
      })
      await small.put(journalEntry(1, { signedTx: 'ab'.repeat(10) }))
      await small.put(journalEntry(2, { signedTx: 'ab'.repeat(1_000) }))
      expect(await ids(small)).toEqual([1, 2])
    })

    it.each([{ maxEntries: 0 }, { maxBytes: 1.5 }])('error: %j is no limit', (limits) => {
      expect(() => storage.open(limits)).toThrow(/is a whole number above 0/)
    })

    if (shared) {
      it('behavior: another that is opened there finds the same, at once', async () => {
        const other = storage.open()
        await journal.put(journalEntry(1))
        expect(await other.entries()).toEqual([journalEntry(1)])
        await other.remove(journalEntry(1).id)
        expect(await journal.entries()).toEqual([])
        await Promise.all([journal.remove(journalEntry(1).id), other.remove(journalEntry(1).id)])
      })
    }
  })
}

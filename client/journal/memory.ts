import { bytesOf, checkRoom, roomOf } from './checkRoom.ts'
import type { Journal, JournalEntry, JournalLimits } from './Journal.ts'

/**
 * A journal that ends with the process: for tests, and to look at what a journal holds.
 *
 * @throws VeilcastError `invalidArgument`; its `put` rejects with `journalUnavailable` where it is full
 */
export function createMemoryJournal(limits: JournalLimits = {}): Journal {
  const room = roomOf(limits)
  const kept = new Map<string, { entry: JournalEntry; bytes: number }>()

  return {
    async put(entry) {
      const bytes = bytesOf(entry)
      const others = [...kept].filter(([id]) => id !== entry.id)
      const sum = others.reduce((total, [, other]) => total + other.bytes, 0)
      checkRoom(room, { entries: others.length, bytes: sum }, bytes)
      kept.set(entry.id, { entry: structuredClone(entry), bytes })
    },
    async remove(id) {
      kept.delete(id)
    },
    entries: async () => [...kept.values()].map(({ entry }) => structuredClone(entry)),
  }
}

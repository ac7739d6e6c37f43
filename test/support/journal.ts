import { createMemoryJournal, type Journal, type JournalEntry } from '@veilcast/client'

export interface WatchedJournal extends Journal {
  /** In the order in which they were asked for. */
  readonly calls: string[]
  /** Stands before the storage: waits, or throws, as the test likes. */
  before: (call: 'put' | 'remove' | 'entries') => Promise<void> | void
  kept(): Promise<JournalEntry[]>
}

/** A journal in memory that tells what is asked of it. */
export function watchJournal(journal: Journal = createMemoryJournal()): WatchedJournal {
  const watched: WatchedJournal = {
    calls: [],
    before: () => undefined,
    async put(entry) {
      watched.calls.push(`put ${entry.asked.length} ${entry.stage ?? '-'}`)
      await watched.before('put')
      await journal.put(entry)
    },
    async remove(id) {
      watched.calls.push('remove')
      await watched.before('remove')
      await journal.remove(id)
    },
    async entries() {
      await watched.before('entries')
      return journal.entries()
    },
    kept: async () => [...(await journal.entries())] as JournalEntry[],
  }
  return watched
}

/** A promise that the test resolves. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Whatever can happen without a timer has happened. */
export const settled = async (ms = 20): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

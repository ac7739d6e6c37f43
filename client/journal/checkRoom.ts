import { VeilcastError } from '@veilcast/shared/errors'
import type { JournalEntry, JournalLimits } from './Journal.ts'

export interface Room {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** @throws VeilcastError `invalidArgument` */
export function roomOf({ maxEntries = 1024, maxBytes = 16_777_216 }: JournalLimits): Room {
  for (const [name, value] of Object.entries({ maxEntries, maxBytes })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new VeilcastError('invalidArgument', { details: `${name}: is a whole number above 0.` })
    }
  }
  return { maxEntries, maxBytes }
}

/** An entry as JSON in UTF-8 has so many bytes: all of it is ASCII. */
export function bytesOf(entry: JournalEntry): number {
  return JSON.stringify(entry).length
}

/** @throws VeilcastError `journalUnavailable` if an entry of so many bytes does not fit beside the others */
export function checkRoom(room: Room, others: { entries: number; bytes: number }, bytes: number): void {
  if (others.entries >= room.maxEntries) {
    throw new VeilcastError('journalUnavailable', {
      details: `It is full: it takes ${room.maxEntries} entries.`,
    })
  }
  if (others.bytes + bytes > room.maxBytes) {
    throw new VeilcastError('journalUnavailable', { details: `It is full: it takes ${room.maxBytes} bytes.` })
  }
}

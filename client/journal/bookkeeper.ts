import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import type { Stage } from '@veilcast/shared/protocol'
import type { Claim, Journal, JournalEntry } from './Journal.ts'
import { type ReadEntry, readEntry } from './readEntry.ts'

/** An entry while its transaction is followed here. */
export interface KeptEntry {
  readonly id: string
  /** Resolves once it is durable that this one is asked under this id; undefined where it is already. */
  noteDown(broadcaster: string, requestId: string): Promise<void> | undefined
  /** Notes the stage as soon as may be. Nothing waits for it. */
  heard(stage: Stage): void
  /** It is followed no longer. `ended`: it is removed, as it has come to its end. */
  close(how: 'ended' | 'open'): void
  /** Removed now; it is not written again. @throws VeilcastError `journalUnavailable` */
  forget(): Promise<void>
}

/** A client's way with its journal: every write of an entry in its turn, none after its end. */
export interface Bookkeeper {
  keep(entry: Omit<JournalEntry, 'asked'>): KeptEntry
  /**
   * Entries that nobody follows, now kept by this client, and how many were passed over: of another version, corrupt or too many.
   * @throws VeilcastError `journalUnavailable`
   */
  takeUp(): Promise<{
    readonly unfinished: readonly (ReadEntry & { kept: KeptEntry })[]
    readonly skipped: number
  }>
  /** Resolves once what ended is removed, or after five seconds. */
  settle(): Promise<void>
}

const maxTakenUp = 1024
const maxSettleMs = 5_000

export function createBookkeeper(journal: Journal, warn: (message: string) => void): Bookkeeper {
  const live = new Set<string>()
  const closing = new Set<Promise<void>>()

  const keep = (first: JournalEntry, isThere: boolean, claimed?: Claim): KeptEntry => {
    const { id } = first
    const durable = new Set(isThere ? first.asked.map(({ requestId }) => requestId) : [])
    let entry = first
    let claim = claimed
    let isOver = false
    /** The writes of this entry, one after the other. */
    let writing: Promise<unknown> = Promise.resolve()
    let nextWrite: Promise<void> | undefined
    let isStageNew = false
    live.add(id)

    const write = (): Promise<void> => {
      // One that waits for its turn writes what is known then.
      nextWrite ??= writing.then(async () => {
        nextWrite = undefined
        isStageNew = false
        if (isOver) return
        if (!isThere) claim ??= await journal.claim?.(id)
        await journal.put(entry)
      })
      const done = nextWrite
      writing = done.catch(() => undefined)
      return done
    }

    const writeStage = () => {
      if (isStageNew && !isOver) write().catch(() => warn('The journal did not take a stage.'))
    }
    const remove = async () => {
      isOver = true
      await writing
      await journal.remove(id)
    }

    return {
      id,
      noteDown(broadcaster, requestId) {
        if (durable.has(requestId)) return undefined
        const mine = { broadcaster, requestId }
        entry = { ...entry, asked: [...entry.asked, mine] }
        return write().then(
          () => {
            durable.add(requestId)
          },
          (error: unknown) => {
            entry = { ...entry, asked: entry.asked.filter((one) => one !== mine) }
            throw asJournalUnavailable(error)
          },
        )
      },
      heard(stage) {
        entry = { ...entry, stage }
        // The last one is not worth a write: the entry goes.
        if (!isStageNew) setTimeout(writeStage)
        isStageNew = true
      },
      close(how) {
        if (how === 'ended') isOver = true
        else writeStage()
        const close = async () => {
          try {
            if (how === 'ended') {
              // Whoever waits for the outcome hears of it first.
              await new Promise((resolve) => setTimeout(resolve))
              await remove()
            } else await writing
          } catch {
            warn('The journal did not let go of an entry: it will be resumed once more.')
          }
          live.delete(id)
          claim?.release()
        }
        const closed = close()
        closing.add(closed)
        closed.then(() => closing.delete(closed))
      },
      async forget() {
        try {
          await remove()
        } catch (error) {
          throw asJournalUnavailable(error)
        }
      },
    }
  }

  const readAll = async (): Promise<{ read: ReadEntry[]; skipped: number }> => {
    const values = [...(await journal.entries())]
    const read = values
      .slice(0, maxTakenUp)
      .map(readEntry)
      .filter((one) => one !== undefined)
    return { read, skipped: values.length - read.length }
  }

  return {
    keep: (entry) => keep({ ...entry, asked: [] }, false),

    async takeUp() {
      const claims = new Map<string, Claim | undefined>()
      /** What ends while it is read is still in what was read. */
      const before = new Set(live)
      try {
        let { read, skipped } = await readAll()
        const free = read.filter(({ entry }) => !before.has(entry.id) && !live.has(entry.id))
        if (journal.claim) {
          for (const { entry } of free) {
            const claim = await journal.claim(entry.id)
            if (claim) claims.set(entry.id, claim)
          }
          // What another has ended meanwhile is not there any more.
          ;({ read, skipped } = await readAll())
        } else for (const { entry } of free) claims.set(entry.id, undefined)

        const unfinished = read
          .filter(({ entry }) => claims.has(entry.id) && !live.has(entry.id))
          .map((one) => ({ ...one, kept: keep(one.entry, true, claims.get(one.entry.id)) }))
        for (const { kept } of unfinished) claims.delete(kept.id)
        return { unfinished, skipped }
      } catch (error) {
        throw asJournalUnavailable(error, 'unknown')
      } finally {
        for (const claim of claims.values()) claim?.release()
      }
    },

    async settle() {
      let timer: ReturnType<typeof setTimeout> | undefined
      const tooLate = new Promise((resolve) => {
        timer = setTimeout(resolve, maxSettleMs)
      })
      await Promise.race([Promise.all(closing), tooLate])
      clearTimeout(timer)
    },
  }
}

/** What a caller's own storage throws may say anything: it stays the cause. */
function asJournalUnavailable(error: unknown, outcome: 'notSent' | 'unknown' = 'notSent'): VeilcastError {
  const details = findVeilcastError(error)?.details
  return new VeilcastError('journalUnavailable', { outcome, cause: error, ...(details ? { details } : {}) })
}

import type { RequestId, Until } from '@veilcast/shared/protocol'
import type { TxKey } from '../store/TxStore.ts'
import { isSamePath, type ReplyPath } from './ReplyPath.ts'

/**
 * Who waits for news of which transaction. In memory only: a SURB dies with the Nym client's process, and a stored sender
 * tag would be a liability. Whoever is forgotten asks again.
 */
export interface Asker {
  readonly id: RequestId
  readonly path: ReplyPath
  readonly key: TxKey
  until: Until
  everyStage: boolean
  /** Reply packets that this request still pays for. */
  credit: number
  /** Number of the last state that was told, 0 before the first and after a repetition. */
  toldNumber: number
  /** Digest of the last state that was told; null where `toldNumber` is 0. */
  toldState: string | null
  /** False from its registration until it is its turn to be answered: news before that are in the answer. */
  answering: boolean
  readonly expiresAtMs: number
}

export interface Askers {
  /**
   * Adds the asker, or the SURBs of a repetition to the one that is there. Undefined where there is no room, or where the
   * request id stands for another transaction.
   */
  register(asker: NewAsker): Asker | 'full' | 'reused'
  of(key: TxKey): readonly Asker[]
  /** The asker of this request while it waits for its turn to be answered: the message's SURBs are in its credit. */
  unanswered(id: RequestId, path: ReplyPath): Asker | undefined
  drop(asker: Asker): void
  keys(): IterableIterator<TxKey>
  readonly size: number
  /** Reply packets that all of them still pay for. */
  surbs(): number
  /** Numbers begin anew, as in another life of the store. */
  forgetTold(): void
  sweep(nowMs: number): void
}

export interface NewAsker {
  readonly id: RequestId
  readonly path: ReplyPath
  readonly key: TxKey
  readonly until: Until
  readonly everyStage: boolean
  readonly surbs: number
  readonly nowMs: number
}

export const maxAskers = 65_536
export const maxAskersPerTransaction = 64
/** SURBs outlive one key rotation of Nym at the least, an hour; a little less than that. */
export const askerLifetimeMs = 50 * 60_000
const maxCredit = 200

export function createAskers(): Askers {
  const byId = new Map<string, Asker>()
  const byKey = new Map<TxKey, Set<Asker>>()

  function drop(asker: Asker): void {
    byId.delete(hex(asker.id))
    const others = byKey.get(asker.key)
    others?.delete(asker)
    if (others?.size === 0) byKey.delete(asker.key)
  }

  return {
    register(added) {
      const known = byId.get(hex(added.id))
      if (known) {
        if (known.key !== added.key || !isSamePath(known.path, added.path)) {
          // The same id on another path is the same client after a restart, or its next try at another address of ours: we answer
          // where it spoke last.
          if (known.key !== added.key) return 'reused'
          drop(known)
        } else {
          known.credit = Math.min(known.credit + added.surbs, maxCredit)
          known.until = added.until
          known.everyStage = added.everyStage
          known.toldNumber = 0
          known.toldState = null
          known.answering = false
          return known
        }
      }
      const others = byKey.get(added.key) ?? new Set<Asker>()
      if (byId.size >= maxAskers || others.size >= maxAskersPerTransaction) return 'full'
      const asker: Asker = {
        id: added.id,
        path: added.path,
        key: added.key,
        until: added.until,
        everyStage: added.everyStage,
        credit: Math.min(added.surbs, maxCredit),
        toldNumber: 0,
        toldState: null,
        answering: false,
        expiresAtMs: added.nowMs + askerLifetimeMs,
      }
      byId.set(hex(asker.id), asker)
      byKey.set(asker.key, others.add(asker))
      return asker
    },
    of: (key) => [...(byKey.get(key) ?? [])],
    unanswered(id, path) {
      const asker = byId.get(hex(id))
      return asker && isSamePath(asker.path, path) && !asker.answering ? asker : undefined
    },
    drop,
    keys: () => byKey.keys(),
    get size() {
      return byId.size
    },
    surbs() {
      let sum = 0
      for (const { credit } of byId.values()) sum += credit
      return sum
    },
    forgetTold() {
      for (const asker of byId.values()) {
        asker.toldNumber = 0
        asker.toldState = null
      }
    },
    sweep(nowMs) {
      // Insertion order is order of expiry: every asker lives equally long.
      for (const asker of byId.values()) {
        if (asker.expiresAtMs > nowMs) break
        drop(asker)
      }
    },
  }
}

function hex(id: RequestId): string {
  return Buffer.from(id).toString('hex')
}

import type { ChainId } from '@veilcast/shared/protocol'
import type { ChainCursor, Mac, TxKey, TxRecord } from './TxStore.ts'

/** A record with all that is kept of it. */
export interface KeptRecord extends TxRecord {
  /** Those of `requestMacs` by which it is found: another record may have had one before. */
  readonly foundBy: readonly Mac[]
}

export interface KeptCursor extends ChainCursor {
  readonly chain: ChainId
}

/** Why no broadcaster may start on a store: what was begun there did not end, or it was moved. */
export type Closed = 'filling' | 'rotating' | 'moved'

export interface Put {
  readonly record: KeptRecord
  /** What it takes the place of, where that has another key. */
  readonly insteadOf?: TxKey
}

/** For commands that have the store alone: it is read and written as it is. */
export interface StoreUpkeep {
  /** Every record, in pages and in no order; one may come twice. */
  records(): AsyncIterable<readonly KeptRecord[]>
  cursors(): Promise<readonly KeptCursor[]>
  count(): Promise<number>
  /** Writes records over what is there; each takes the place of another together with that one's end. Durable when it resolves. */
  put(list: readonly Put[]): Promise<void>
  /** Deletes every record, cursor, lease, report and job. What the store says of itself stays. */
  empty(): Promise<void>
  /** Null where a broadcaster may start. */
  closed(): Promise<Closed | null>
  /** Durable when it resolves. */
  close(why: Closed | null): Promise<void>
  /** By what fingerprint the key file is known under which it is sealed (vault.ts). Null before the first broadcaster. */
  sealedBy(): Promise<string | null>
  sealFor(fingerprint: string): Promise<void>
}

/** What to do about a store on which no broadcaster may start. */
export const closedBecause: Readonly<Record<Closed, string>> = {
  filling: 'An import into this store, or a move to it, did not end: run that command again, with --force.',
  rotating: 'A rotation of the key file did not end: run rotate-key again.',
  moved:
    'The records of this store were moved to another: name that one in the configuration. To use this one all the same, as it was then, run mark-restored.',
}

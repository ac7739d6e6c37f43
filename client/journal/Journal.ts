import type { Stage, Until } from '@veilcast/shared/protocol'

/**
 * A submission that has not come to its end, as a journal keeps it: plain JSON, so that any storage will do. It holds the
 * signed transaction and the ids by which its status can be asked for, and no key.
 */
export interface JournalEntry {
  readonly version: 1
  /** 32 hex digits, drawn at random. */
  readonly id: string
  /** CAIP-2. */
  readonly chain: string
  /** As the chain's explorers write it. */
  readonly txId: string
  /** Hex without 0x. */
  readonly signedTx: string
  readonly until: Until
  readonly everyStage: boolean
  /** Seconds since 1970. */
  readonly notAfter: number
  /** Whom it went to, or was about to go to, in this order. Each request id is a secret between the wallet and that one. */
  readonly asked: readonly { readonly broadcaster: string; readonly requestId: string }[]
  /** Milliseconds since 1970. */
  readonly madeAtMs: number
  /** The last that was heard of it. */
  readonly stage?: Stage | undefined
}

/**
 * Where submissions in flight outlive the wallet's process: `createIndexedDbJournal`, `createFileJournal`,
 * `createMemoryJournal`, or storage of the caller's own.
 */
export interface Journal {
  /** Writes an entry, or replaces the one with its id. Resolves once it is durable; a message waits for that. */
  put(entry: JournalEntry): Promise<void>
  /** Removes an entry. One that is not there is no error. */
  remove(id: string): Promise<void>
  /** All that is there, in any order. It is checked on reading: a storage may give back anything. */
  entries(): Promise<readonly unknown[]>
  /**
   * Keeps an entry to the one who asks, over all that share the storage, until `release` or the end of the process. Undefined
   * where another has it. A journal without this is shared all the same: two that follow one entry cost packets, no more.
   */
  claim?(id: string): Promise<Claim | undefined>
}

export interface Claim {
  release(): void
}

/** What a journal takes. */
export interface JournalLimits {
  /** Default 1024. */
  readonly maxEntries?: number | undefined
  /** All entries as JSON, in UTF-8. Default 16 777 216. */
  readonly maxBytes?: number | undefined
}

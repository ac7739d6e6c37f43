import type { ChainId, Durability } from '@veilcast/shared/protocol'

/**
 * The record of each transaction: the truth, of which queue jobs are hints. Stores see only keyed hashes and sealed
 * bytes (vault.ts): whoever dumps one without the key file learns no address, transaction, hash or tag.
 *
 * Every state change raises `number` by one and is compare-and-set on it, so that two workers cannot overwrite each
 * other. All times are milliseconds since 1970.
 */

declare const brand: unique symbol

/** 16 bytes in lower-case base32, 26 characters: the job id and the log id too. */
export type TxKey = string & { readonly [brand]: 'TxKey' }

/** A keyed hash, 16 bytes in lower-case base32. */
export type Mac = string & { readonly [brand]: 'Mac' }

export type RecordState = 'held' | 'exposed' | 'included' | 'final' | 'replaced' | 'refused' | 'lapsed'

/** States that still need work. */
export const liveStates = ['held', 'exposed', 'included'] as const satisfies readonly RecordState[]
export const endStates = ['final', 'replaced', 'refused', 'lapsed'] as const satisfies readonly RecordState[]

/** Request ids kept per record: the first, and the latest of the others. */
export const maxRequestsPerRecord = 16

export interface TxRecord {
  readonly key: TxKey
  readonly chain: ChainId
  readonly txIdMac: Mac
  /** The account whose transactions keep their order; null where the chain or the transaction has no order. */
  readonly laneMac: Mac | null
  /** Nonce or sequence, hidden (vault.ts `hideSequence`): neighbours stay neighbours modulo 2^64. Null with `laneMac`. */
  readonly sequence: bigint | null
  readonly state: RecordState
  /** 1 at first, and one more with each change. */
  readonly number: number
  /** The signed transaction, sealed. Null once it has ended: bytes are erased at the end state. */
  readonly bytes: Uint8Array | null
  /** The 32 bytes of the chain's own hash, sealed; kept for replies until the record expires. */
  readonly txId: Uint8Array
  /** What the state says beyond its name (protocol `TxState`), sealed. Null while there is nothing more to say. */
  readonly detail: Uint8Array | null
  /** Id of the endpoint that was handed the bytes last; null while unexposed. Never its URL. */
  readonly exposedTo: string | null
  /** The block of an inclusion, or of a replacement that is not final yet. */
  readonly blockHeight: bigint | null
  readonly blockHash: string | null
  readonly requestMacs: readonly Mac[]
  readonly notAfterMs: number
  readonly createdAtMs: number
  /** When its state became another, or its detail was set: which endpoint has it is no change of either. */
  readonly changedAtMs: number
  /** When a record that has ended may be swept; null while it lives. */
  readonly expiresAtMs: number | null
}

export interface TxDraft {
  readonly key: TxKey
  readonly chain: ChainId
  readonly txIdMac: Mac
  readonly laneMac: Mac | null
  readonly sequence: bigint | null
  readonly bytes: Uint8Array
  readonly txId: Uint8Array
  readonly requestMac: Mac
  readonly notAfterMs: number
  readonly nowMs: number
}

export interface Admitted {
  readonly record: TxRecord
  /** `created`; `merged` into a record that was there; `revived`: it had ended unsent and a new request asks for it again. */
  readonly how: 'created' | 'merged' | 'revived'
}

export interface TxPatch {
  readonly state?: RecordState
  readonly detail?: Uint8Array | null
  readonly bytes?: null
  readonly exposedTo?: string | null
  readonly blockHeight?: bigint | null
  readonly blockHash?: string | null
  readonly expiresAtMs?: number | null
}

export interface LaneSlot {
  readonly laneMac: Mac
  readonly sequence: bigint
}

export interface BlockRef {
  readonly height: bigint
  /** Hex without 0x, lower case. */
  readonly hash: string
}

/** How far the blocks of a chain have been matched: the newest block last, contiguous by parent, at most 256. */
export interface ChainCursor {
  readonly trail: readonly BlockRef[]
  /** Raised by one at each save; 0 before the first. */
  readonly version: number
  readonly savedAtMs: number
}

export const maxTrailBlocks = 256

export interface TxStore {
  readonly durability: Durability
  /** Connects, makes or checks the schema. Throws StoreError. */
  start(options?: { readonly signal?: AbortSignal }): Promise<void>
  stop(): Promise<void>
  /** Resolves when the store answers. Throws StoreError. */
  ping(): Promise<void>
  /**
   * 8 bytes that name one life of this store: derived from the server's own identity (Redis: an id kept in the data and
   * the replication id; Postgres: system identifier and timeline) and our own counter.
   */
  incarnation(): Promise<Uint8Array>
  /** The incarnation that was acknowledged last; it lies in the data, and goes back with it. Null before the first. */
  knownIncarnation(): Promise<Uint8Array | null>
  acknowledgeIncarnation(incarnation: Uint8Array): Promise<void>
  /**
   * Makes the record, or merges into it monotonically: the later notAfter, the request id added (bounded). A record that
   * ended `refused` or `lapsed` is revived to `held` (number + 1, bytes and notAfter taken anew, exposedTo and detail
   * cleared) only by a request id that it does not hold yet and while it holds fewer than `maxRequestsPerRecord`: a late
   * duplicate of an old message never sends what a wallet was told is not sent. Durable when it resolves.
   * A record that ended `lapsed` after exposure keeps `exposedTo` and is revived to `exposed`.
   */
  admit(draft: TxDraft): Promise<Admitted>
  get(key: TxKey): Promise<TxRecord | null>
  byRequest(requestMac: Mac): Promise<TxRecord | null>
  /** What one account has in no block yet, `held` before `exposed`, each by sequence and key; at most `limit`. */
  lane(chain: ChainId, laneMac: Mac, limit: number): Promise<readonly TxRecord[]>
  /** Compare-and-set: applies the patch and raises `number` where it still is `expected`; else null. Durable when it resolves. */
  update(key: TxKey, expected: number, patch: TxPatch, nowMs: number): Promise<TxRecord | null>
  /** Records that are live, or ended `lapsed` (late inclusion overrides it), with one of these hashes or slots. One round trip. */
  match(chain: ChainId, txIdMacs: readonly Mac[], slots: readonly LaneSlot[]): Promise<readonly TxRecord[]>
  /** Live records in key order, those after `after`. */
  listLive(
    chain: ChainId,
    options: { readonly after?: TxKey; readonly limit: number },
  ): Promise<readonly TxRecord[]>
  /** Live records with `blockHeight` at or under `height`, at most `limit`. */
  settledUpTo(chain: ChainId, height: bigint, limit: number): Promise<readonly TxRecord[]>
  /** Live records whose block is exactly this one. */
  inBlock(chain: ChainId, block: BlockRef): Promise<readonly TxRecord[]>
  countLive(chain: ChainId): Promise<number>
  /** `held` and `exposed`: what is in no block yet. */
  countWaiting(chain: ChainId): Promise<number>
  /** Those of one account. */
  countLane(chain: ChainId, laneMac: Mac): Promise<number>
  /** Records that are kept although they ended before anybody was shown a byte. Counts no further than `limit`. */
  countUnsent(chain: ChainId, limit: number): Promise<number>
  cursor(chain: ChainId): Promise<ChainCursor | null>
  /** Compare-and-set on `version` (0: there was none); false where another was faster. */
  saveCursor(
    chain: ChainId,
    trail: readonly BlockRef[],
    expectedVersion: number,
    nowMs: number,
  ): Promise<boolean>
  /** A short exclusive claim. True where it is ours now, also when it was before (the time starts anew). */
  lease(name: string, owner: string, ttlMs: number): Promise<boolean>
  unlease(name: string, owner: string): Promise<void>
  /** Deletes at most `limit` records whose `expiresAtMs` has passed; says how many. */
  sweep(nowMs: number, limit: number): Promise<number>
  /**
   * Tells of records that any process changed (admit that created or revived, update): Postgres NOTIFY or Redis pub/sub.
   * A hint that may be lost: askers poll beneath it. Returns what ends it.
   */
  watch(onChange: (key: TxKey) => void): Promise<() => Promise<void>>
}

/** The store did not do what was asked. Its text never holds a URL, key or record. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}

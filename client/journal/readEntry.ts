import {
  type ChainId,
  isChainId,
  maxTransactionBytes,
  type RequestId,
  type Stage,
  type TxId,
  toRequestId,
  type Until,
  untilWords,
} from '@veilcast/shared/protocol'
import { computeTxId, familyOf, formatTxId } from '../computeTxId.ts'
import { hexToBytes } from '../hex.ts'
import type { JournalEntry } from './Journal.ts'

/** An entry that was read, in the terms of the program. */
export interface ReadEntry {
  readonly entry: JournalEntry
  readonly chain: ChainId
  readonly signedTx: Uint8Array
  readonly txId: TxId
  /** By address. */
  readonly submits: ReadonlyMap<string, RequestId>
}

/** More than a client has broadcasters: its list may have changed meanwhile. */
const maxAsked = 64
const stages: readonly Stage[] = [
  'accepted',
  'submitted',
  'included',
  'final',
  'replaced',
  'refused',
  'lapsed',
]

/** What a storage gave back, if it is an entry of this version and true to itself; undefined if it is anything else. */
export function readEntry(value: unknown): ReadEntry | undefined {
  try {
    return check(value as JournalEntry)
  } catch {
    return undefined
  }
}

function check(value: JournalEntry): ReadEntry | undefined {
  const { version, id, chain, txId, signedTx, until, everyStage, notAfter, asked, madeAtMs, stage } = value
  const isRead =
    version === 1 &&
    isHex(id, 16) &&
    typeof chain === 'string' &&
    isChainId(chain) &&
    typeof signedTx === 'string' &&
    signedTx.length <= 2 * maxTransactionBytes &&
    /^(?:[0-9a-f]{2})+$/.test(signedTx) &&
    (untilWords as readonly Until[]).includes(until) &&
    typeof everyStage === 'boolean' &&
    isWhole(notAfter, 0xffff_ffff) &&
    isWhole(madeAtMs, Number.MAX_SAFE_INTEGER) &&
    (stage === undefined || stages.includes(stage)) &&
    Array.isArray(asked) &&
    asked.length > 0 &&
    asked.length <= maxAsked &&
    asked.every(({ broadcaster, requestId }) => typeof broadcaster === 'string' && isHex(requestId, 16))
  if (!isRead) return undefined
  const bytes = hexToBytes(signedTx)
  const computed = computeTxId(chain, bytes)
  if (formatTxId(familyOf(chain), computed) !== txId) return undefined
  const submits = asked.map(
    ({ broadcaster, requestId }) => [broadcaster, toRequestId(hexToBytes(requestId))] as const,
  )
  // Its own fields and no others: it is written back.
  const entry = {
    version,
    id,
    chain,
    txId,
    signedTx,
    until,
    everyStage,
    notAfter,
    asked: asked.map(({ broadcaster, requestId }) => ({ broadcaster, requestId })),
    madeAtMs,
    stage,
  }
  return { entry, chain, signedTx: bytes, txId: computed, submits: new Map(submits) }
}

function isHex(value: unknown, bytes: number): boolean {
  return typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]+$/.test(value)
}

function isWhole(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}

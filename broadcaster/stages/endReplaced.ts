import { toTxId } from '@veilcast/shared/protocol'
import type { ChainAdapter, InspectedTx, WaitOptions } from '../chains/ChainAdapter.ts'
import type { TxKey, TxRecord } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import type { Settle } from './settle.ts'

/** A transaction's own block may not be indexed yet: without another's hash to show, it is looked at again after this. */
const defaultSureAfterMs = 20_000
const maxRemembered = 4096

export interface EndReplaced {
  /**
   * Ends a transaction that can never land because another has its nonce or sequence at finality depth, whichever block that
   * was in: for what no matched block told. Says whether it ended it.
   *
   * @throws ChainUnavailable
   */
  end(adapter: ChainAdapter, record: TxRecord, finalHeight: bigint, options: WaitOptions): Promise<boolean>
  /** Whether its number was seen used by nobody knows whom, and is to be looked at again. */
  isOpen(key: TxKey): boolean
}

export function createEndReplaced(parts: {
  readonly settle: Settle
  readonly vault: Vault
  /** Default 20 s: by then the transaction itself would be found. */
  readonly sureAfterMs?: number
}): EndReplaced {
  const { settle, vault, sureAfterMs = defaultSureAfterMs } = parts
  /** When a number was first seen used by nobody knows whom. */
  const firstSeenMs = new Map<TxKey, number>()

  return {
    isOpen: (key) => firstSeenMs.has(key),

    async end(adapter, record, finalHeight, options) {
      const tx = inspectRecord(adapter, record, vault)
      if (tx === undefined || (await adapter.slotUse(tx, finalHeight, options)) !== 'used') {
        firstSeenMs.delete(record.key)
        return false
      }
      const by = await adapter.findReplacing(tx, finalHeight, options)
      if (by && Buffer.compare(by.txId, tx.txId) === 0) return false
      if (by === null && !isSure(record.key)) return false
      const ended = await settle.replaced(record, by?.txId ?? notKnown, by?.height ?? finalHeight)
      if (ended) firstSeenMs.delete(record.key)
      return ended !== null
    },
  }

  function isSure(key: TxKey): boolean {
    const nowMs = Date.now()
    const since = firstSeenMs.get(key)
    if (since !== undefined) return nowMs - since >= sureAfterMs
    const oldest = firstSeenMs.keys().next()
    if (firstSeenMs.size >= maxRemembered && !oldest.done) firstSeenMs.delete(oldest.value)
    firstSeenMs.set(key, nowMs)
    return false
  }
}

/** As it was signed; undefined once its bytes are erased. */
export function inspectRecord(
  adapter: ChainAdapter,
  record: TxRecord,
  vault: Vault,
): InspectedTx | undefined {
  return record.bytes === null ? undefined : adapter.inspect(vault.open(record.bytes, record.key, 'bytes'))
}

const notKnown = toTxId(new Uint8Array(32))

import { type ChainId, toTxId } from '@veilcast/shared/protocol'
import { type ChainAdapter, ChainUnavailable } from '../chains/ChainAdapter.ts'
import { type Logger, shortId } from '../observability/logger.ts'
import { StoreError, type TxKey, type TxRecord } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import { endpointsIn } from './exposedTo.ts'
import type { Settle } from './settle.ts'

/** One look-up per transaction in this time, however often it is asked for. */
const againAfterMs = 5_000
const maxRemembered = 1024
const maxAtOnce = 16
const maxWaitMs = 3_000

/**
 * Looks a transaction up that lapsed after an endpoint had it, when somebody asks for it: nobody watches for it any more, and it
 * may have landed since. Does nothing for any other. Never rejects, and takes 3 s at most.
 */
export type LookAgain = (record: TxRecord) => Promise<void>

export function createLookAgain(parts: {
  readonly chains: ReadonlyMap<ChainId, ChainAdapter>
  readonly vault: Vault
  readonly settle: Settle
  readonly logger: Logger
}): LookAgain {
  const { chains, vault, settle, logger } = parts
  const lastMs = new Map<TxKey, number>()
  let underWay = 0

  return async function lookAgain(record) {
    const adapter = chains.get(record.chain)
    if (record.state !== 'lapsed' || record.exposedTo === null || !adapter) return
    if (underWay >= maxAtOnce || !isDue(record.key)) return
    underWay++
    try {
      const txId = toTxId(vault.open(record.txId, record.key, 'txId'))
      const signal = AbortSignal.timeout(maxWaitMs)
      const found = await adapter.find(txId, { signal, handedTo: endpointsIn(record.exposedTo) })
      if (found) await settle.included(record, found.inclusion, found.block)
    } catch (error) {
      // What is not known stays unknown.
      if (error instanceof ChainUnavailable || error instanceof StoreError) return
      if (error instanceof DOMException && error.name === 'TimeoutError') return
      logger.error(
        { err: error, tx: shortId(record.key), chain: record.chain },
        'a record cannot be worked on',
      )
    } finally {
      underWay--
    }
  }

  function isDue(key: TxKey): boolean {
    const nowMs = Date.now()
    const known = lastMs.get(key)
    if (known !== undefined && nowMs - known < againAfterMs) return false
    lastMs.delete(key)
    const oldest = lastMs.keys().next()
    if (lastMs.size >= maxRemembered && !oldest.done) lastMs.delete(oldest.value)
    lastMs.set(key, nowMs)
    return true
  }
}

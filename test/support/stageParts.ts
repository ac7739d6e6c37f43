import { randomBytes } from 'node:crypto'
import { type ChainId, newRequestId, toTxId } from '@veilcast/shared/protocol'
import type { ChainAdapter } from '../../broadcaster/dist/chains/ChainAdapter.js'
import { createDisputes } from '../../broadcaster/dist/observability/disputes.js'
import { createLogger } from '../../broadcaster/dist/observability/logger.js'
import { createMetrics } from '../../broadcaster/dist/observability/metrics.js'
import { createSettle } from '../../broadcaster/dist/stages/settle.js'
import type { Store } from '../../broadcaster/dist/store/Store.js'
import type { TxRecord } from '../../broadcaster/dist/store/TxStore.js'
import { createVault } from '../../broadcaster/dist/store/vault.js'

/** What the stages of a broadcaster share, on a started store. */
export function stageParts(store: Store, adapters: readonly ChainAdapter[] = []) {
  const vault = createVault(randomBytes(32))
  const metrics = createMetrics()
  const chains = new Map(adapters.map((adapter) => [adapter.chain, adapter]))
  const { records, queues } = store
  const settle = createSettle({ records, vault, retentionSeconds: 60, metrics, chains })
  const { signal } = new AbortController()
  const logger = createLogger('silent')
  const disputes = createDisputes(logger)
  return { records, queues, vault, metrics, disputes, chains, settle, signal, logger }
}

/** Puts a transaction on record, as the door does; without an adapter random bytes of no account. */
export async function admitted(
  { records, vault }: ReturnType<typeof stageParts>,
  chain: ChainId,
  from?: { readonly adapter: ChainAdapter; readonly signedTx: Uint8Array; readonly notAfterMs?: number },
): Promise<TxRecord> {
  const tx = from?.adapter.inspect(from.signedTx)
  const signedTx = from?.signedTx ?? randomBytes(100)
  const txId = tx?.txId ?? toTxId(randomBytes(32))
  const key = vault.keyOf(chain, signedTx)
  const laneMac = tx?.account ? vault.laneMac(chain, tx.account) : null
  const { record } = await records.admit({
    key,
    chain,
    txIdMac: vault.txIdMac(chain, txId),
    laneMac,
    sequence: laneMac && tx?.sequence !== undefined ? vault.hideSequence(laneMac, tx.sequence) : null,
    bytes: vault.seal(signedTx, key, 'bytes'),
    txId: vault.seal(txId, key, 'txId'),
    requestMac: vault.requestMac(newRequestId()),
    notAfterMs: from?.notAfterMs ?? Date.now() + 60_000,
    nowMs: Date.now(),
  })
  return record
}

import type { InspectedTx } from '../chains/ChainAdapter.ts'
import type { KeptRecord } from './StoreUpkeep.ts'
import type { SealedField, Vault } from './vault.ts'

/**
 * A record as another key file has it. Where the signed bytes are known all of it changes; else its key, and its place among its
 * account's, stay names of the former one. Its request ids always do: nobody keeps them.
 *
 * @throws Error where it is not sealed under `from`
 */
export function rekey(
  record: KeptRecord,
  from: Vault,
  to: Vault,
  whole?: { readonly signedTx: Uint8Array; readonly tx: InspectedTx },
): KeptRecord {
  const { chain } = record
  const key = whole ? to.keyOf(chain, whole.signedTx) : record.key
  const again = (sealed: Uint8Array, field: SealedField): Uint8Array =>
    to.seal(from.open(sealed, record.key, field), key, field)
  return {
    ...record,
    ...(whole ? laneOf(chain, whole.tx, to) : {}),
    key,
    txIdMac: to.txIdMac(chain, from.open(record.txId, record.key, 'txId')),
    bytes: record.bytes && again(record.bytes, 'bytes'),
    txId: again(record.txId, 'txId'),
    detail: record.detail && again(record.detail, 'detail'),
  }
}

/** Where a transaction stands among its account's, as the store sees it. */
export function laneOf(
  chain: KeptRecord['chain'],
  tx: InspectedTx,
  vault: Vault,
): Pick<KeptRecord, 'laneMac' | 'sequence'> {
  const laneMac = tx.account === undefined ? null : vault.laneMac(chain, tx.account)
  const ordered = laneMac !== null && tx.sequence !== undefined
  return { laneMac, sequence: ordered ? vault.hideSequence(laneMac, tx.sequence) : null }
}

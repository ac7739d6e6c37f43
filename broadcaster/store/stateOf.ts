import { type Durability, type TxState, txState } from '@veilcast/shared/protocol'
import type { TxRecord } from './TxStore.ts'
import type { Vault } from './vault.ts'

/** What a wallet is told about a record. */
export function stateOf(record: TxRecord, vault: Vault, durability: Durability): TxState {
  if (record.state === 'held') return { stage: 'accepted', durability }
  const detail = openDetail(record, vault)
  if (record.state === 'exposed') {
    return { stage: 'submitted', rejection: detail?.stage === 'submitted' ? detail.rejection : undefined }
  }
  if (detail === null) throw new Error(`A record in state ${record.state} says nothing about it.`)
  return detail
}

/** The sealed part of the state. For an exposed record it may be a replacement that is not final yet. */
export function openDetail(record: TxRecord, vault: Vault): TxState | null {
  return record.detail === null ? null : txState.decode(vault.open(record.detail, record.key, 'detail'))
}

export function sealDetail(state: TxState, record: TxRecord, vault: Vault): Uint8Array {
  return vault.seal(txState.encode(state), record.key, 'detail')
}

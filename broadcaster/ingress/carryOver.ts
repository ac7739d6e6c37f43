import { setTimeout as delay } from 'node:timers/promises'
import type { ChainId } from '@veilcast/shared/protocol'
import type { InspectedTx } from '../chains/ChainAdapter.ts'
import { withLease } from '../stages/withLease.ts'
import { rekey } from '../store/rekey.ts'
import type { StoreUpkeep } from '../store/StoreUpkeep.ts'
import { StoreError, type TxKey, type TxRecord, type TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'

const pauseMs = 50
const maxAttempts = 40

/**
 * While a former key file is kept: brings a record that had ended before the rotation under the key of today, now that somebody has
 * shown its bytes again. Else it would be made anew beside what is known of it.
 */
export type CarryOver = (chain: ChainId, signedTx: Uint8Array, tx: InspectedTx) => Promise<void>

/** Undefined where there is no former key. */
export function createCarryOver(parts: {
  readonly records: TxStore
  readonly upkeep: StoreUpkeep
  readonly vault: Vault
}): CarryOver | undefined {
  const { records, upkeep, vault } = parts
  const { former } = vault
  if (!former) return undefined

  return async function carryOver(chain, signedTx, tx) {
    const [key, formerKey] = [vault.keyOf(chain, signedTx), former.keyOf(chain, signedTx)]
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if ((await records.get(key)) !== null || (await records.get(formerKey)) === null) return
      const done = await withLease(records, `carry-${key}`, undefined, () =>
        carry(key, formerKey, signedTx, tx),
      )
      if (done) return
      await delay(pauseMs)
    }
    throw new StoreError('A record of the former key could not be carried over in time.')
  }

  async function carry(key: TxKey, formerKey: TxKey, signedTx: Uint8Array, tx: InspectedTx): Promise<true> {
    const record = await records.get(formerKey)
    // Another process was faster.
    if (record === null || (await records.get(key)) !== null) return true
    const kept = rekey({ ...record, foundBy: await foundBy(record) }, vault, vault, { signedTx, tx })
    await upkeep.put([{ record: kept, insteadOf: formerKey }])
    return true
  }

  async function foundBy(record: TxRecord): Promise<TxRecord['requestMacs']> {
    const owners = await Promise.all(record.requestMacs.map((mac) => records.byRequest(mac)))
    return record.requestMacs.filter((_mac, index) => owners[index]?.key === record.key)
  }
}

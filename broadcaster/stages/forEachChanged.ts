import type { TxRecord } from '../store/TxStore.ts'
import { type ForEachOptions, forEachRecord } from './forEachRecord.ts'

/** Changes that ask no chain: the store takes together what comes together. */
const changesAtOnce = 64

/**
 * Changes records of a block, those first whose change asks the chain nothing.
 *
 * @throws as forEachRecord
 */
export async function forEachChanged(
  list: readonly TxRecord[],
  asksChain: (record: TxRecord) => boolean,
  change: (record: TxRecord) => Promise<void>,
  options: Omit<ForEachOptions, 'atOnce'>,
): Promise<void> {
  const asking = new Set(list.filter(asksChain))
  const others = list.filter((record) => !asking.has(record))
  await forEachRecord(others, change, { ...options, atOnce: changesAtOnce })
  await forEachRecord([...asking], change, options)
}

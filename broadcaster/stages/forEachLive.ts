import type { ChainId } from '@veilcast/shared/protocol'
import type { TxKey, TxRecord, TxStore } from '../store/TxStore.ts'
import { type ForEachOptions, forEachRecord } from './forEachRecord.ts'

const pageSize = 256

/**
 * Every live record of a chain, page by page in key order, as {@link forEachRecord} does. Those that come meanwhile may be
 * left out.
 *
 * @throws StoreError, ChainUnavailable; the signal's reason
 */
export async function forEachLive(
  records: TxStore,
  chain: ChainId,
  work: (record: TxRecord) => Promise<unknown>,
  options: ForEachOptions & {
    /** Begins after this key. */
    readonly after?: TxKey | undefined
    /** Called with the last key of each page that is done. */
    readonly onPage?: (last: TxKey) => void
  },
): Promise<void> {
  let { after } = options
  for (;;) {
    const page = await records.listLive(chain, {
      limit: pageSize,
      ...(after !== undefined && { after }),
    })
    await forEachRecord(page, work, options)
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.key
    options.onPage?.(after)
  }
}

import { ChainUnavailable } from '../chains/ChainAdapter.ts'
import { type Logger, shortId } from '../observability/logger.ts'
import { StoreError, type TxRecord } from '../store/TxStore.ts'

/** Leaves connections to the store for those who admit and answer. */
const defaultAtOnce = 8

export interface ForEachOptions {
  /** Records worked on at once, default 8. Their order is lost. */
  readonly atOnce?: number
  readonly signal: AbortSignal
  readonly logger: Logger
}

/**
 * One record that cannot be worked on, as under a lost key, is logged and holds up none of the others. What ails the store or
 * the chain ends it all.
 *
 * @throws StoreError, ChainUnavailable; the signal's reason
 */
export async function forEachRecord(
  list: readonly TxRecord[],
  work: (record: TxRecord) => Promise<unknown>,
  { atOnce = defaultAtOnce, signal, logger }: ForEachOptions,
): Promise<void> {
  let next = 0
  let failed = false
  const worker = async (): Promise<void> => {
    for (;;) {
      const record = list[next++]
      if (record === undefined || failed) return
      try {
        signal.throwIfAborted()
        await work(record)
      } catch (error) {
        if (signal.aborted || error instanceof StoreError || error instanceof ChainUnavailable) {
          failed = true
          throw error
        }
        logger.error(
          { err: error, tx: shortId(record.key), chain: record.chain },
          'a record cannot be worked on',
        )
      }
    }
  }
  // Nothing of it may run on after it has failed: whoever hears of the failure starts it anew.
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atOnce, list.length) }, worker))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
}

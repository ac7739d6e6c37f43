import { randomBytes } from 'node:crypto'
import type { Store } from '../store/Store.ts'
import type { KeptCursor, KeptRecord } from '../store/StoreUpkeep.ts'
import { StoreError } from '../store/TxStore.ts'

export interface Filling {
  /** In pages; one may come twice. */
  readonly records: AsyncIterable<readonly KeptRecord[]>
  readonly cursors: readonly KeptCursor[]
  /** How many there are, each counted once. */
  readonly count: number
  /** The key file's fingerprint. */
  readonly sealedBy: string | null
  /**
   * Whether nothing can have happened since these records were read. Else the next broadcaster takes each for sent that is not
   * known to be.
   */
  readonly isCurrent: boolean
  /** Called when all is in its place, and before a broadcaster may start on it. */
  readonly beforeOpen?: () => Promise<void>
}

export interface FillOptions {
  /** Deletes what is there. Default: a store that holds anything is refused. */
  readonly force: boolean
  readonly signal: AbortSignal
  /** Called after each page with how many records were written. */
  readonly onProgress: (records: number) => void
}

/**
 * Fills a store that was started for this process alone. Where it is cut off, no broadcaster starts on what is half filled.
 *
 * @throws StoreError; the signal's reason
 */
export async function fillStore(target: Store, filling: Filling, options: FillOptions): Promise<void> {
  const { upkeep, records } = target
  const { signal } = options
  if (!options.force && (await isFilled(target))) {
    throw new StoreError(
      'The store that is to be filled holds records: name an empty one, or delete what it holds with --force.',
    )
  }
  signal.throwIfAborted()
  await upkeep.close('filling')
  await upkeep.empty()
  let written = 0
  for await (const page of filling.records) {
    signal.throwIfAborted()
    await upkeep.put(page.map((record) => ({ record })))
    written += page.length
    options.onProgress(written)
  }
  for (const { chain, trail, savedAtMs } of filling.cursors) {
    await records.saveCursor(chain, trail, 0, savedAtMs)
  }
  const count = await upkeep.count()
  if (count !== filling.count) {
    throw new StoreError(
      `The store holds ${count} records where ${filling.count} were to be: run it again, with --force.`,
    )
  }
  if (filling.sealedBy !== null) await upkeep.sealFor(filling.sealedBy)
  // An incarnation that is nobody's is another than the store's own.
  await records.acknowledgeIncarnation(
    filling.isCurrent ? await records.incarnation() : new Uint8Array(randomBytes(8)),
  )
  signal.throwIfAborted()
  await filling.beforeOpen?.()
  await upkeep.close(null)
}

async function isFilled({ upkeep }: Store): Promise<boolean> {
  return (await upkeep.count()) > 0 || (await upkeep.cursors()).length > 0
}

import { randomBytes } from 'node:crypto'
import type { Store } from '../store/Store.ts'
import { closedBecause } from '../store/StoreUpkeep.ts'
import { StoreError } from '../store/TxStore.ts'
import { type FillOptions, fillStore } from './fillStore.ts'

export interface Moved {
  readonly records: number
  /** False where the source was not known to be the latest: what it calls unsent is taken for sent. */
  readonly isCurrent: boolean
}

/**
 * Brings everything from one store to another, both started for this process alone: live records, ended ones, and how far blocks were
 * matched. Jobs are made anew from the records. No broadcaster starts on the source afterwards.
 *
 * @throws StoreError; the signal's reason
 */
export async function moveStore(
  source: Store,
  target: Store,
  options: FillOptions & {
    /** Default false: what was there stays. */
    readonly deleteSource: boolean
  },
): Promise<Moved> {
  const closed = await source.upkeep.closed()
  if (closed !== null && closed !== 'moved') throw new StoreError(closedBecause[closed])
  const isCurrent = closed === null && (await isMet(source))
  const count = await source.upkeep.count()
  await fillStore(
    target,
    {
      records: source.upkeep.records(),
      cursors: await source.upkeep.cursors(),
      count,
      sealedBy: await source.upkeep.sealedBy(),
      isCurrent,
      async beforeOpen() {
        await source.upkeep.close('moved')
        // Should somebody use it all the same: what it calls unsent may have been sent by then.
        await source.records.acknowledgeIncarnation(new Uint8Array(randomBytes(8)))
      },
    },
    options,
  )
  if (options.deleteSource) await source.upkeep.empty()
  return { records: count, isCurrent }
}

/** Not put back from a copy, or failed over, since a broadcaster used it last. */
async function isMet({ records }: Store): Promise<boolean> {
  const known = await records.knownIncarnation()
  return known === null || Buffer.compare(known, await records.incarnation()) === 0
}

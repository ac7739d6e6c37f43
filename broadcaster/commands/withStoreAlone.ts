import { openStore, type StoreConfig } from '../store/openStore.ts'
import type { Store } from '../store/Store.ts'

/**
 * Runs `work` with a store that nobody else uses meanwhile, and puts it down whatever comes. The signal aborts as well where the
 * store is lost.
 *
 * @throws StoreError where a broadcaster or another command has it
 */
export async function withStoreAlone<T>(
  config: StoreConfig,
  signal: AbortSignal,
  work: (store: Store, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const store = openStore(config)
  const lost = new AbortController()
  const either = AbortSignal.any([signal, lost.signal])
  try {
    await store.start({ use: 'alone', signal, onFailure: (error) => lost.abort(error) })
    return await work(store, either)
  } finally {
    await store.stop()
  }
}

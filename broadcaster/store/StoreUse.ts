import { StoreError } from './TxStore.ts'

/** `shared`: beside other processes. `alone`: as the only one, for what may not happen under a running broadcaster. */
export type StoreUse = 'shared' | 'alone'

/** That this process uses the store, for as long as it does. */
export interface HeldUse {
  /** Runs `work` while nobody else uses the store. @throws StoreError where somebody does */
  alone<T>(work: () => Promise<T>): Promise<T>
  end(): Promise<void>
}

export function inUse(): StoreError {
  return new StoreError('The store is in use: stop every broadcaster and command that has it, and try again.')
}

/** Of who stood still for so long that another took the store for free. */
export function useLost(): StoreError {
  return new StoreError('Another command took the store for itself while this process did not reach it.')
}

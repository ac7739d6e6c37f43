import type { Fleet } from '../fleet/Fleet.ts'
import type { QueueBackend } from './QueueBackend.ts'
import type { StoreUpkeep } from './StoreUpkeep.ts'
import type { StoreUse } from './StoreUse.ts'
import type { StoreError, TxStore } from './TxStore.ts'

export interface StoreStart {
  readonly signal?: AbortSignal
  /** Called at most once per start, where the store was lost and does not come back by itself. Default: nothing. */
  readonly onFailure?: (error: StoreError) => void
  /** Default `shared`. With `alone` it rejects while another process uses the store, and keeps others out until `stop`. */
  readonly use?: StoreUse
}

/** A record, a queue and what the fleet says of itself, over one server. */
export interface Store {
  readonly kind: 'embedded' | 'postgres' | 'redis'
  readonly records: TxStore
  readonly queues: QueueBackend
  readonly fleet: Fleet
  /** For commands that have the store alone. */
  readonly upkeep: StoreUpkeep
  /** Starts the server where it is ours, then the record, then the queues. */
  start(options?: StoreStart): Promise<void>
  /** Idempotent. Afterwards it may be started anew. */
  stop(): Promise<void>
  /**
   * To be called once after data was put back from a copy of files: raises the incarnation, so that what was sent since
   * that copy is not called unsent. A restore by dump or to another server is noticed without it. Also opens a store that was moved.
   */
  markRestored(): Promise<void>
}

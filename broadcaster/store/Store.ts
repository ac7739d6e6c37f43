import type { QueueBackend } from './QueueBackend.ts'
import type { TxStore } from './TxStore.ts'

/** A record and a queue over one server. */
export interface Store {
  readonly kind: 'embedded' | 'postgres' | 'redis'
  readonly records: TxStore
  readonly queues: QueueBackend
  /** Starts the server where it is ours, then the record, then the queues. */
  start(options?: { readonly signal?: AbortSignal }): Promise<void>
  stop(): Promise<void>
}

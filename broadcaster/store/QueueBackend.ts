import type { Processor, Queue, Worker } from 'bullmq'

/** Where BullMQ keeps its jobs: beside the record, on the same server. Job data holds keys only, never bytes. */
export interface QueueBackend {
  /** The queue of this name, made at the first call. Names hold no `:`. */
  queue(name: string): Queue
  /**
   * A worker with the project's settings: lockDuration 5 s, stalledInterval 2 s, maxStalledCount as good as unlimited. Not
   * started until `run()`, which settles when the worker is closed: one that stops by itself is run anew. What a processor
   * throws is stored by its class alone, or by its text where that is ours; what it returns is not stored.
   */
  worker(name: string, processor: Processor, options: { readonly concurrency: number }): Worker
  /** False while a worker that was run has stopped by itself and is not running again yet. */
  working(): boolean
  /**
   * Deletes what BullMQ noted of jobs before this time (milliseconds since 1970): a list of which transaction was worked on when,
   * which would outlive its record. Throws StoreError.
   */
  forgetEvents(beforeMs: number): Promise<void>
  start(): Promise<void>
  /** Closes queues and connections; workers are closed before by whoever made them. */
  stop(): Promise<void>
}

/** What both backends tell BullMQ. */

/** A finished job leaves nothing behind, and of events the latest only: the record is the truth, the rest is a trace. */
export const queueOptions = {
  defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  streams: { events: { maxLen: 1_000 } },
} as const

export const workerOptions = {
  autorun: false,
  lockDuration: 5_000,
  // Two looks after its lock has ended a killed worker's job is another's: 9 s at the longest.
  stalledInterval: 2_000,
  // As good as unlimited: BullMQ's default fails a job for good when it stalls twice. Postgres keeps it in 32 bits.
  maxStalledCount: 1_000_000,
  // How soon a worker whose server was away goes on. BullMQ's default is 15 s.
  runRetryDelay: 1_000,
} as const

/** Workers of one process: each holds a connection of its own. */
export const maxWorkers = 64

/** What both backends tell BullMQ. */

/** A finished job leaves nothing behind: the record is the truth, and job data is a trace. */
export const jobOptions = { removeOnComplete: true, removeOnFail: true } as const

export const workerOptions = {
  autorun: false,
  lockDuration: 5_000,
  stalledInterval: 5_000,
  // As good as unlimited: BullMQ's default fails a job for good when it stalls twice. Postgres keeps it in 32 bits.
  maxStalledCount: 1_000_000,
} as const

/** Workers of one process: each holds a connection of its own. */
export const maxWorkers = 64

import type { Processor } from 'bullmq'
import { describeError } from '../observability/logger.ts'

/** A job failed. Its text is ours, whatever was thrown. */
export class JobError extends Error {
  override readonly name = 'JobError'
}

/** How a processor tells BullMQ where its job goes on; the texts are BullMQ's own. */
const steering = new Set(['DelayedError', 'RateLimitError', 'WaitingChildrenError', 'WaitingError'])

/**
 * BullMQ stores the text and the stack of what a processor throws, and its board shows them: a node's client may have written
 * its URL and the transaction there. What was returned is stored as well, so nothing is.
 */
export function withoutForeignErrors(processor: Processor): Processor {
  return async (job, token, signal) => {
    try {
      await processor(job, token, signal)
    } catch (error) {
      if (error instanceof Error && steering.has(error.name)) throw error
      const { name, message } = describeError(error)
      throw new JobError(message ?? `The job ended with an error of class ${name}.`)
    }
  }
}

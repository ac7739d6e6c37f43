import { z } from 'zod'

/** How much is taken in. */
export const limitsConfig = z.strictObject({
  maxWaitingPerChain: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(4096)
    .describe('Transactions of one chain that are in no block yet; beyond, a submit hears `backlogFull`.'),
  maxWaitingPerAccount: z
    .int()
    .min(1)
    .max(4096)
    .default(32)
    .describe('The same of one account; beyond, `accountBacklogFull`.'),
  maxLaneWaitMs: z
    .int()
    .min(1000)
    .max(86_400_000)
    .default(600_000)
    .describe(
      'Milliseconds that a transaction waits for a predecessor that may never come, and no longer than its `notAfter`.',
    ),
  maxUnsentPerChain: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe(
      'Kept records of one chain of which no byte was handed over; beyond, its refusals leave no record.',
    ),
})

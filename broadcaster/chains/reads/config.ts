import { z } from 'zod'

export const maxReadCallsPerSecond = z
  .int()
  .min(1)
  .max(100_000)
  .default(200)
  .describe(
    "Calls to nodes that wallets' reads may make a second, for all wallets together: what is above an endpoint's quota takes it from submits.",
  )

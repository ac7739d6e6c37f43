import { z } from 'zod'

/** Calls to nodes that wallets' reads may make, for all wallets together: what is above an endpoint's quota takes it from submits. */
export const maxReadCallsPerSecond = z.int().min(1).max(100_000).default(200)

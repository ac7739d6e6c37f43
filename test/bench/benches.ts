import type { Bench } from './Bench.ts'
import { profile } from './profile.ts'
import { throughput } from './throughput.ts'

/** In the order in which they run and are shown: a line each. */
export const benches: readonly Bench[] = [throughput, profile]

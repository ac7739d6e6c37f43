import type { Bench } from './Bench.ts'

/** In the order in which they run and are shown: a line each. */
export const benches: readonly Bench[] = []

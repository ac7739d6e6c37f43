import type { Bench } from './Bench.ts'
import { coldStart } from './coldStart.ts'
import { dashboard } from './dashboard.ts'
import { drain } from './drain.ts'
import { growing } from './growing.ts'
import { latency } from './latency.ts'
import { loss } from './loss.ts'
import { memory } from './memory.ts'
import { packets } from './packets.ts'
import { profile } from './profile.ts'
import { scaling } from './scaling.ts'
import { throughput } from './throughput.ts'
import { wallets } from './wallets.ts'

/** In the order in which they run and are shown: a line each. */
export const benches: readonly Bench[] = [
  // Over the local Nym network.
  latency,
  packets,
  wallets,
  loss,
  coldStart,
  // The broadcaster alone.
  throughput,
  scaling,
  drain,
  memory,
  growing,
  dashboard,
  profile,
]

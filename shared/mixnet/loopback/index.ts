export {
  createLoopback,
  type Loopback,
  type LoopbackOptions,
} from './createLoopback.ts'
export type { LoopbackDialer } from './dialer.ts'
export type {
  LoopbackCounters,
  LoopbackFaults,
  LoopbackWeather,
} from './network.ts'

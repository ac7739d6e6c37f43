export type {
  ClientCounters,
  ClientId,
  HopCounters,
  HopName,
  NetworkCounters,
} from './counters/createTallies.ts'
export type { Faults } from './faults/createFaults.ts'
export { PortUnavailableError } from './listen.ts'
export {
  type NativeClientStandIn,
  type NativeClientStandInOptions,
  startNativeClientStandIn,
} from './nativeSocket/startNativeClientStandIn.ts'
export {
  type LocalnetEvent,
  type LocalnetLimits,
  LocalnetOptionError,
  type LocalnetOptions,
} from './options.ts'
export { type Localnet, startLocalnet } from './startLocalnet.ts'
export {
  type NymClientOptions,
  type NymClientProfile,
  nymClientOptions,
} from './wasmClient/nymClientOptions.ts'
export {
  startWasmClient,
  type WasmClient,
  type WasmClientOptions,
  WasmClientRefusedError,
  type WasmMessage,
} from './wasmClient/startWasmClient.ts'

export type {
  BlockTx,
  ChainAdapter,
  ChainBlock,
  EndpointHealth,
  FoundTx,
  Handed,
  Head,
  InspectedTx,
  Preflight,
} from './chains/ChainAdapter.ts'
export { ChainUnavailable, ReadRefused, TransactionRefused } from './chains/ChainAdapter.ts'
export { chainFamilies } from './chains/registry.ts'
export { type BroadcasterConfig, broadcasterConfig, ConfigError } from './config/config.ts'
export { parseConfig } from './config/parseConfig.ts'
export { readConfigFile } from './config/readConfigFile.ts'
export { type Broadcaster, type BroadcasterParts, createBroadcaster } from './createBroadcaster.ts'
export { doctorKey, makeDoctorToken } from './dashboard/doctorToken.ts'
export type { HttpSettings } from './dashboard/openDashboard.ts'
export type { Fleet, SeenProcess } from './fleet/Fleet.ts'
export type { ChainStatus, FleetStatus } from './fleet/FleetStatus.ts'
export { findTroubles, type Trouble } from './fleet/findTroubles.ts'
export type { ProcessReport } from './fleet/ProcessReport.ts'
export { runbookOf, type TroubleCode, type TroubleRow, troubles } from './fleet/troubles.ts'
export { createLogger, type Logger } from './observability/logger.ts'
export { openBroadcaster } from './openBroadcaster.ts'
export { type Role, roles } from './Role.ts'
export { openStore, type StoreConfig } from './store/openStore.ts'
export type { QueueBackend } from './store/QueueBackend.ts'
export type { Store } from './store/Store.ts'
export type { ChainCursor, TxDraft, TxPatch, TxRecord, TxStore } from './store/TxStore.ts'
export { StoreError } from './store/TxStore.ts'
export { createVault, type Vault } from './store/vault.ts'

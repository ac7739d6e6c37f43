export { findGo, type GoBuildOptions } from './buildGoTool.ts'
export {
  buildCosmosBinary,
  type CosmosBinary,
  type CosmosBinaryOptions,
  describeCosmosAvailability,
  describeCosmosBinary,
  findCosmosBinary,
} from './cosmosBinary.ts'
export type { CosmosAccount } from './createCosmosHome.ts'
export { ChainStartError, CosmosChainUnavailable, GoBuildError } from './errors.ts'
export { type Anvil, type AnvilAccount, type AnvilOptions, startAnvil } from './startAnvil.ts'
export {
  buildCometBft,
  type CometBft,
  type CometBftOptions,
  type CometBftVersion,
  findCometBft,
  startCometBft,
} from './startCometBft.ts'
export { type CosmosChain, type CosmosChainOptions, startCosmosChain } from './startCosmosChain.ts'

export { type CosmosChainConfig, cosmosChainConfig, cosmosChainOf } from './config.ts'
export { createCosmosAdapter } from './createCosmosAdapter.ts'

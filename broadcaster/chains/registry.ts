import type { z } from 'zod'
import type { ChainAdapter } from './ChainAdapter.ts'
import { cosmosChainConfig } from './cosmos/config.ts'
import { createCosmosAdapter } from './cosmos/createCosmosAdapter.ts'
import { evmChainConfig } from './evm/config.ts'
import { createEvmAdapter } from './evm/createEvmAdapter.ts'

/** What the broadcaster knows of a family of chains, by the namespace of their CAIP-2 ids. */
export interface ChainFamily<Config extends z.ZodType = z.ZodType> {
  readonly config: Config
  create(config: z.output<Config>): ChainAdapter
}

function family<Config extends z.ZodType>(
  config: Config,
  create: (config: z.output<Config>) => ChainAdapter,
): ChainFamily {
  return { config, create: (parsed) => create(parsed as z.output<Config>) }
}

/** One line a family. */
export const chainFamilies: Readonly<Record<string, ChainFamily>> = {
  eip155: family(evmChainConfig, createEvmAdapter),
  cosmos: family(cosmosChainConfig, createCosmosAdapter),
}

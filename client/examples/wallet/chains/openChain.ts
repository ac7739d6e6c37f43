import type { VeilcastClient } from '@veilcast/client'
import type { ChainConfig } from '../config/WalletConfig.ts'
import type { Chain } from './Chain.ts'
import { openCosmosChain } from './openCosmosChain.ts'
import { openEvmChain } from './openEvmChain.ts'

export function openChain(config: ChainConfig, client: VeilcastClient): Chain {
  return config.family === 'evm' ? openEvmChain(config, client) : openCosmosChain(config, client)
}

import type { ChainConfig } from '../config/WalletConfig.ts'
import type { Keys } from '../keys/Keys.ts'

export async function addressOn(config: ChainConfig, keys: Keys): Promise<string> {
  if (config.family === 'evm') return keys.evm.address
  const [account] = await (await keys.cosmos(config.bech32Prefix)).getAccounts()
  return account?.address ?? ''
}

interface AnyChain {
  /** CAIP-2. */
  readonly chain: string
  readonly name: string
  readonly symbol: string
  /** Of the amounts that people read: 18 for ETH, 6 for ATOM. */
  readonly decimals: number
}

export interface EvmChainConfig extends AnyChain {
  readonly family: 'evm'
  readonly chainId: number
}

export interface CosmosChainConfig extends AnyChain {
  readonly family: 'cosmos'
  /** As it is signed. */
  readonly chainId: string
  readonly denom: string
  readonly bech32Prefix: string
  /** In base units of the denom, per unit of gas. */
  readonly gasPrice: string
}

export type ChainConfig = EvmChainConfig | CosmosChainConfig

export interface WalletConfig {
  readonly nymApiUrl: string
  /** The entry gateway's identity. Undefined: one that the Nym client picks. */
  readonly gateway: string | undefined
  readonly broadcasters: readonly string[]
  readonly chains: readonly ChainConfig[]
}

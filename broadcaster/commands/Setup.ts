/** What `init` finds out, and writes. */
export interface Setup {
  readonly dataDir: string
  readonly mixnet:
    | { readonly transport: 'nym-wasm'; readonly nymApiUrl: string; readonly preferredGateway?: string }
    | { readonly transport: 'nym-socket'; readonly url: string }
  readonly store:
    | { readonly kind: 'embedded' }
    | { readonly kind: 'postgres' | 'redis'; readonly url: string }
  readonly chains: readonly SetupChain[]
  readonly http: { readonly host: string; readonly port: number; readonly passwordHash?: string }
}

export interface SetupChain {
  readonly chain: string
  readonly cometChainId?: string | undefined
  readonly bech32Prefix?: string | undefined
  /** Of an EVM chain. */
  readonly finality?: 'finalized' | 'confirmations' | 'instant'
  readonly endpoints: readonly SetupEndpoint[]
}

export interface SetupEndpoint {
  readonly id: string
  readonly operator: string
  readonly url: string
  readonly restUrl?: string
}

import type { ChainConfig } from '../config/WalletConfig.ts'
import type { Keys } from '../keys/Keys.ts'

/** A payment as it will be signed. Amounts are in base units. */
export interface Quote {
  readonly chain: string
  readonly to: string
  readonly amount: bigint
  /** The most that it can cost. */
  readonly maxFee: bigint
  /** What the fee is made of, for people. */
  readonly feeDetails: string
  /** Nonce, or sequence. */
  readonly number: number
  /** The account's balance when this was asked. */
  readonly balance: bigint
  /** Nothing has left the wallet yet. */
  sign(): Promise<Signed>
}

export interface Signed {
  /** Hex, with or without 0x. */
  readonly signedTx: string
  /** The chain's own hash of it, as its explorers write it. */
  readonly txId: string
}

/** One chain, as a wallet sees it. Every question that it asks goes through the mixnet. */
export interface Chain {
  readonly config: ChainConfig
  readBalance(address: string): Promise<bigint>
  quote(keys: Keys, to: string, amount: bigint): Promise<Quote>
}

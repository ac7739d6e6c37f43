/** A signed transaction, parsed and found canonical. Fields that its type does not have are empty or zero. */
export interface EvmTransaction {
  /** EIP-2718: 0 legacy, 1 EIP-2930, 2 EIP-1559, 3 EIP-4844, 4 EIP-7702. */
  readonly type: 0 | 1 | 2 | 3 | 4
  readonly chainId: bigint
  readonly nonce: bigint
  /** Wei per gas. Types 0 and 1: the gas price. */
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly gas: bigint
  /** 20 bytes; null creates a contract. */
  readonly to: Uint8Array | null
  readonly value: bigint
  readonly data: Uint8Array
  readonly accessList: readonly AccessListEntry[]
  readonly authorizations: readonly Authorization[]
  /** Wei per blob gas. */
  readonly maxFeePerBlobGas: bigint
  readonly blobVersionedHashes: readonly Uint8Array[]
  /** 20 bytes, recovered from the signature. */
  readonly sender: Uint8Array
}

export interface AccessListEntry {
  readonly address: Uint8Array
  readonly storageKeys: readonly Uint8Array[]
}

/** EIP-7702. Its signature is not checked: the chain skips one that is not valid. */
export interface Authorization {
  readonly chainId: bigint
  readonly address: Uint8Array
  readonly nonce: bigint
  readonly yParity: bigint
  readonly r: bigint
  readonly s: bigint
}

/** EIP-4844 */
export const gasPerBlob = 131_072n

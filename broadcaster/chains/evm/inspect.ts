import { keccak_256 } from '@noble/hashes/sha3.js'
import { wireError } from '@veilcast/shared/errors'
import { toTxId } from '@veilcast/shared/protocol'
import { type InspectedTx, TransactionRefused } from '../ChainAdapter.ts'
import type { EvmTransaction } from './EvmTransaction.ts'
import { parseTransaction } from './parseTransaction.ts'

export interface InspectLimits {
  readonly chainId: bigint
  readonly maxTransactionBytes: number
  readonly allowBlobs: boolean
}

/** `parsed` of what this adapter inspects. */
export interface InspectedEvmTx extends InspectedTx {
  readonly parsed: EvmTransaction
}

/** @throws TransactionRefused */
export function inspect(signedTx: Uint8Array, limits: InspectLimits): InspectedEvmTx {
  if (signedTx.length > limits.maxTransactionBytes) {
    throw new TransactionRefused(
      wireError('transactionTooLarge', {
        limitBytes: limits.maxTransactionBytes,
        sizeBytes: signedTx.length,
      }),
    )
  }
  if (signedTx[0] === 3 && !limits.allowBlobs) {
    throw new TransactionRefused(wireError('unsupportedTransactionType', { type: 3 }))
  }
  const { transaction, envelope } = parseTransaction(signedTx)
  if (transaction.chainId !== limits.chainId) {
    throw new TransactionRefused(
      wireError('wrongChainId', { expected: limits.chainId, got: transaction.chainId }),
    )
  }
  return {
    txId: toTxId(keccak_256(envelope)),
    signedTx,
    account: transaction.sender,
    sequence: transaction.nonce,
    signer: 'proven',
    parsed: transaction,
  }
}

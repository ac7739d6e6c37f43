import type { EvmInclusion } from '@veilcast/shared/protocol'
import { addressOf, hashOf, numberOf, quantityOf, recordOf } from './nodeValues.ts'

export interface Receipt {
  readonly txHash: Uint8Array
  readonly blockHash: Uint8Array
  /** 20 bytes */
  readonly from: Uint8Array
  /** Without revert data. */
  readonly inclusion: EvmInclusion
}

/** @throws EndpointProblem */
export function receiptOf(answer: unknown): Receipt {
  const receipt = recordOf(answer)
  const blockHash = hashOf(receipt.blockHash)
  return {
    txHash: hashOf(receipt.transactionHash),
    blockHash,
    from: addressOf(receipt.from),
    inclusion: {
      family: 'evm',
      height: quantityOf(receipt.blockNumber),
      blockHash,
      transactionIndex: numberOf(receipt.transactionIndex),
      ok: quantityOf(receipt.status) === 1n,
      gasUsed: quantityOf(receipt.gasUsed),
      effectiveGasPrice: receipt.effectiveGasPrice == null ? 0n : quantityOf(receipt.effectiveGasPrice, 128),
      revertData: new Uint8Array(0),
    },
  }
}

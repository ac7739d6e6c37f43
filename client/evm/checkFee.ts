import { VeilcastError } from '@veilcast/shared/errors'
import type { DecodedTransaction } from './decodeTransaction.ts'
import { readQuantity } from './quantity.ts'

/** One ether: geth's `--rpc.txfeecap`. */
const defaultMaxFeeWei = 10n ** 18n
/** EIP-4844 */
const gasPerBlob = 131_072n

/**
 * Fees, gas and base fee are what a broadcaster told: nothing leaves that pays more than its owner means to.
 * @param decoded a type of a single chain is not read, and not held to it
 * @throws VeilcastError `feeAboveLimit`
 */
export function checkFee(decoded: DecodedTransaction | undefined, maxFeeWei = defaultMaxFeeWei): void {
  const json = decoded?.json ?? {}
  const of = (name: string) => readQuantity(json[name]) ?? 0n
  const blobs = (json.blobVersionedHashes as [] | undefined)?.length ?? 0
  const fee = of('gas') * of('gasPrice') + BigInt(blobs) * gasPerBlob * of('maxFeePerBlobGas')
  if (fee > maxFeeWei) {
    throw new VeilcastError('feeAboveLimit', { details: `It may pay ${fee} wei, the limit is ${maxFeeWei}.` })
  }
}

import { VeilcastError } from '@veilcast/shared/errors'
import { bytesOf, numberOf, readFields, textOf } from './protobuf.ts'

export interface FeeLimits {
  /** Most of each denomination, in base units, as in `{ uatom: 1_000_000n }`; none of another. Default: any. */
  readonly maxFee?: Readonly<Record<string, bigint>> | undefined
  /** Default 100,000,000. */
  readonly maxGas?: bigint | undefined
}

const defaultMaxGas = 100_000_000n

/**
 * Gas is what a broadcaster simulated, and a gas price may be what it told: nothing leaves that pays more than its owner means to.
 * @throws VeilcastError `feeAboveLimit`
 */
export function checkFee(signedTx: Uint8Array, { maxFee, maxGas = defaultMaxGas }: FeeLimits): void {
  const { gas, coins } = readFee(signedTx)
  if (gas > maxGas) throw above(`It may use ${gas} gas, the limit is ${maxGas}.`)
  for (const { denom, amount } of maxFee ? coins : []) {
    const limit = Object.hasOwn(maxFee ?? {}, denom) ? maxFee?.[denom] : 0n
    if (amount > (limit ?? 0n)) throw above(`It pays ${amount} ${denom}, the limit is ${limit}.`)
  }
}

function above(details: string): VeilcastError {
  return new VeilcastError('feeAboveLimit', { details })
}

/** TxRaw.auth_info_bytes, AuthInfo.fee. What is no TxRaw pays nothing: it is refused elsewhere. */
function readFee(signedTx: Uint8Array) {
  try {
    const fee = readFields(bytesOf(readFields(bytesOf(readFields(signedTx), 2)), 2))
    const coins = fee
      .filter(({ number }) => number === 1)
      .map(({ value }) => {
        const coin = readFields(value as Uint8Array)
        return { denom: textOf(coin, 1), amount: BigInt(textOf(coin, 2)) }
      })
    return { gas: numberOf(fee, 2), coins }
  } catch {
    return { gas: 0n, coins: [] }
  }
}

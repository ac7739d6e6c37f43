import { wireError } from '@veilcast/shared/errors'
import { ChainUnavailable, type Preflight, type WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { JsonRpcAnswer } from '../endpoints/jsonRpc.ts'
import { type EvmClient, resultOf } from './EvmClient.ts'
import { type EvmTransaction, gasPerBlob } from './EvmTransaction.ts'
import { intrinsicGas } from './intrinsicGas.ts'
import { quantityOf, recordOf, toHex } from './nodeValues.ts'

/**
 * What the newest block says about a transaction before any node has it: asks by the account alone, in one request. Only what
 * certainly fails is refused. A gap in the nonces is none of it: nodes keep such a transaction until the gap is filled.
 */
export async function preflight(
  pool: EndpointPool<EvmClient>,
  tx: EvmTransaction,
  limits: { readonly maxInitCodeBytes: number },
  options: WaitOptions,
): Promise<Preflight> {
  if (tx.to === null && tx.data.length > limits.maxInitCodeBytes) {
    return refused('codeTooLarge', { limitBytes: limits.maxInitCodeBytes, sizeBytes: tx.data.length })
  }
  try {
    return judge(tx, await pool.ask((client, signal) => readState(client, tx, signal), options))
  } catch (error) {
    if (error instanceof ChainUnavailable) return { kind: 'unavailable' }
    throw error
  }
}

interface State {
  readonly nonce: bigint
  /** The larger of latest and pending: a payment to the account may be on its way. */
  readonly balance: bigint
  /** Wei per gas; undefined before EIP-1559. */
  readonly baseFee: bigint | undefined
  /** Wei per blob gas; undefined where nobody asked or the chain has none. */
  readonly blobBaseFee: bigint | undefined
  readonly gasLimit: bigint
  readonly eip3860: boolean
  readonly eip7623: boolean
}

async function readState(client: EvmClient, tx: EvmTransaction, signal: AbortSignal): Promise<State> {
  const account = toHex(tx.sender)
  const calls = [
    { method: 'eth_getTransactionCount', params: [account, 'latest'] },
    { method: 'eth_getBalance', params: [account, 'latest'] },
    { method: 'eth_getBalance', params: [account, 'pending'] },
    { method: 'eth_getBlockByNumber', params: ['latest', false] },
    ...(tx.type === 3 ? [{ method: 'eth_blobBaseFee', params: [] }] : []),
  ]
  const [nonce, latest, pending, head, blobBaseFee] = await client.batch(calls, { signal })
  const block = recordOf(resultOf(head))
  const balances = [quantityOf(resultOf(latest), 256), quantityIfAny(pending) ?? 0n]
  return {
    nonce: quantityOf(resultOf(nonce)),
    balance: balances.reduce((a, b) => (a > b ? a : b)),
    baseFee: block.baseFeePerGas == null ? undefined : quantityOf(block.baseFeePerGas, 256),
    blobBaseFee: quantityIfAny(blobBaseFee),
    gasLimit: quantityOf(block.gasLimit),
    // Shanghai brought withdrawals and EIP-3860, Prague brought requests and EIP-7623.
    eip3860: block.withdrawalsRoot != null,
    eip7623: block.requestsHash != null,
  }
}

function judge(tx: EvmTransaction, state: State): Preflight {
  if (tx.nonce < state.nonce) return { kind: 'used', expected: state.nonce }
  if (tx.gas > state.gasLimit) return refused('gasLimitTooHigh', { limit: state.gasLimit, got: tx.gas })
  const required = intrinsicGas(tx, state)
  if (tx.gas < required) return refused('gasLimitTooLow', { required, got: tx.gas })
  const requiredWei = lowestNext(state.baseFee ?? 0n)
  if (tx.maxFeePerGas < requiredWei) {
    return refused('feeTooLow', { requiredWei, offeredWei: tx.maxFeePerGas })
  }
  const requiredBlobWei = lowestNext(state.blobBaseFee ?? 0n)
  if (tx.maxFeePerBlobGas < requiredBlobWei) {
    return refused('feeTooLow', { requiredWei: requiredBlobWei, offeredWei: tx.maxFeePerBlobGas })
  }
  const blobGas = BigInt(tx.blobVersionedHashes.length) * gasPerBlob
  const cost = tx.value + tx.gas * tx.maxFeePerGas + blobGas * tx.maxFeePerBlobGas
  if (cost > state.balance) return refused('insufficientFunds', {})
  return { kind: 'ready' }
}

/** EIP-1559: from one block to the next the base fee falls by an eighth at most (EIP-4844's by less). */
function lowestNext(baseFee: bigint): bigint {
  return baseFee - baseFee / 8n
}

function quantityIfAny(answer: JsonRpcAnswer | undefined): bigint | undefined {
  try {
    return answer?.ok ? quantityOf(answer.result, 256) : undefined
  } catch (error) {
    if (error instanceof EndpointProblem) return undefined
    throw error
  }
}

function refused(
  name: 'codeTooLarge' | 'gasLimitTooHigh' | 'gasLimitTooLow' | 'feeTooLow' | 'insufficientFunds',
  values: Readonly<Record<string, bigint | number>>,
): Preflight {
  return { kind: 'refused', error: wireError(name, values) }
}

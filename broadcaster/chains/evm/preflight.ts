import { wireError } from '@veilcast/shared/errors'
import { agreeOnPreflight, goesOn } from '../agreeOnPreflight.ts'
import { ChainUnavailable, type Handed, type Preflight, type WaitOptions } from '../ChainAdapter.ts'
import { resultOf } from '../endpoints/createRpcCaller.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import type { JsonRpcAnswer } from '../endpoints/jsonRpc.ts'
import { rememberBriefly } from '../endpoints/rememberBriefly.ts'
import { untilAborted } from '../endpoints/withDeadline.ts'
import { createHandedLately } from '../handedLately.ts'
import type { EvmClient } from './EvmClient.ts'
import { type EvmTransaction, gasPerBlob } from './EvmTransaction.ts'
import { gatherReads } from './gatherReads.ts'
import type { InspectedEvmTx } from './inspect.ts'
import { type GasRules, intrinsicGas } from './intrinsicGas.ts'
import { quantityOf, recordOf, toHex } from './nodeValues.ts'

/** What was read so shortly ago is taken for what is: nothing is refused by it. */
const maxAgeMs = 1_000
/** An endpoint that takes a transaction says that its number was free: of a run, the account is read again after this long. */
const maxRunMs = 10_000
const maxAccounts = 4_096

/**
 * What the newest block says about a transaction before any node has it: asks by the account alone. Only what certainly
 * fails is refused. A gap in the nonces is none of it: nodes keep such a transaction until the gap is filled.
 *
 * A run of one account's nonces, and transactions of many accounts at once, are looked at with what was read for one of
 * them, less what those before it may cost; whatever would stop one is read anew, of two operators where there are two.
 */
export function createPreflight(
  pool: EndpointPool<EvmClient>,
  limits: { readonly chainId: bigint; readonly maxInitCodeBytes: number },
) {
  const lately = createHandedLately(maxAgeMs)
  const gathered = gatherReads(pool)
  const rules = rememberBriefly<'block' | 'blobs', Rules & Fees>({
    read: async (which) => {
      const [block, blobBaseFee] = await Promise.all([
        gathered({ method: 'eth_getBlockByNumber', params: ['latest', false] }, rulesOf),
        which === 'blobs' ? gathered({ method: 'eth_blobBaseFee', params: [] }, quantityIfAny) : undefined,
      ])
      return { ...block, blobBaseFee }
    },
    maxAgeMs,
    maxEntries: 2,
  })
  const accounts = rememberBriefly<string, Account>({
    read: async (account) => {
      const [nonce, balance] = await Promise.all([
        gathered({ method: 'eth_getTransactionCount', params: [account, 'latest'] }, nonceOf),
        gathered({ method: 'eth_getBalance', params: [account, 'latest'] }, balanceOf),
      ])
      return { nonce, balance }
    },
    maxAgeMs,
    maxEntries: maxAccounts,
    maxExtendedMs: maxRunMs,
  })

  async function seemsReady(tx: EvmTransaction): Promise<boolean> {
    const [chain, account] = await Promise.all([
      rules.get(tx.type === 3 ? 'blobs' : 'block'),
      accounts.get(toHex(tx.sender)),
    ])
    return judge(tx, { ...chain, ...account }).kind === 'ready'
  }

  async function preflight(inspected: InspectedEvmTx, options: WaitOptions): Promise<Preflight> {
    const tx = inspected.parsed
    if (tx.to === null && tx.data.length > limits.maxInitCodeBytes) {
      return refused('codeTooLarge', { limitBytes: limits.maxInitCodeBytes, sizeBytes: tx.data.length })
    }
    try {
      if (!lately.isOutrun(inspected) && (await untilAborted(seemsReady(tx), options.signal))) {
        return { kind: 'ready' }
      }
      const question = async (client: EvmClient, signal: AbortSignal) =>
        judge(tx, await readState(client, tx, limits.chainId, signal))
      return agreeOnPreflight(await pool.askTwo(question, goesOn, options))
    } catch (error) {
      if (error instanceof ChainUnavailable) return { kind: 'unavailable' }
      throw error
    }
  }

  return {
    preflight,
    handed(inspected: InspectedEvmTx, result: Handed['kind']): void {
      lately.handed(inspected, result)
      const { parsed } = inspected
      if (result !== 'taken') return
      accounts.extend(toHex(parsed.sender), ({ nonce, balance }) => ({
        nonce,
        balance: balance - highestCost(parsed),
      }))
    },
    /** The newest block, as somebody has read it. */
    heardBlock: (block: unknown) => rules.put('block', { ...rulesIn(block), blobBaseFee: undefined }),
  }
}

interface Account {
  readonly nonce: bigint
  readonly balance: bigint
}

interface Fees {
  /** Wei per blob gas; undefined where nobody asked or the chain has none. */
  readonly blobBaseFee: bigint | undefined
}

interface Rules extends GasRules {
  /** Wei per gas; undefined before EIP-1559. */
  readonly baseFee: bigint | undefined
  readonly gasLimit: bigint
}

/** One endpoint's view of now. The balance is the larger of latest and pending: a payment may be on its way. */
async function readState(
  client: EvmClient,
  tx: EvmTransaction,
  chainId: bigint,
  signal: AbortSignal,
): Promise<Account & Rules & Fees> {
  const account = toHex(tx.sender)
  const calls = [
    { method: 'eth_chainId', params: [] },
    { method: 'eth_getTransactionCount', params: [account, 'latest'] },
    { method: 'eth_getBalance', params: [account, 'latest'] },
    { method: 'eth_getBalance', params: [account, 'pending'] },
    { method: 'eth_getBlockByNumber', params: ['latest', false] },
    ...(tx.type === 3 ? [{ method: 'eth_blobBaseFee', params: [] }] : []),
  ]
  const [id, nonce, latest, pending, block, blobBaseFee] = await client.batch(calls, { signal })
  // A probe may have seen it on the right chain a moment ago.
  if (quantityOf(resultOf(id), 256) !== chainId) throw new EndpointProblem('wrongChain')
  const balances = [balanceOf(latest), quantityIfAny(pending) ?? 0n]
  return {
    nonce: nonceOf(nonce),
    balance: balances.reduce((a, b) => (a > b ? a : b)),
    blobBaseFee: quantityIfAny(blobBaseFee),
    ...rulesOf(block),
  }
}

function nonceOf(answer: JsonRpcAnswer | undefined): bigint {
  return quantityOf(resultOf(answer))
}

function balanceOf(answer: JsonRpcAnswer | undefined): bigint {
  return quantityOf(resultOf(answer), 256)
}

function rulesOf(answer: JsonRpcAnswer | undefined): Rules {
  return rulesIn(resultOf(answer))
}

function rulesIn(value: unknown): Rules {
  const block = recordOf(value)
  return {
    baseFee: block.baseFeePerGas == null ? undefined : quantityOf(block.baseFeePerGas, 256),
    gasLimit: quantityOf(block.gasLimit),
    // Shanghai brought withdrawals and EIP-3860, Prague brought requests and EIP-7623.
    eip3860: block.withdrawalsRoot != null,
    eip7623: block.requestsHash != null,
  }
}

function judge(tx: EvmTransaction, state: Account & Rules & Fees): Preflight {
  if (tx.nonce < state.nonce) return { kind: 'used', expected: state.nonce }
  if (tx.gas > state.gasLimit) return refused('gasLimitTooHigh', { limit: state.gasLimit, got: tx.gas })
  const required = intrinsicGas(tx, state)
  if (tx.gas < required) return refused('gasLimitTooLow', { required, got: tx.gas })
  const { baseFee = 0n, blobBaseFee = 0n } = state
  if (tx.maxFeePerGas < lowestNext(baseFee)) {
    return refused('feeTooLow', { requiredWei: baseFee, offeredWei: tx.maxFeePerGas })
  }
  if (tx.maxFeePerBlobGas < lowestNext(blobBaseFee)) {
    return refused('feeTooLow', { requiredWei: blobBaseFee, offeredWei: tx.maxFeePerBlobGas })
  }
  if (highestCost(tx) > state.balance) return refused('insufficientFunds', {})
  return { kind: 'ready' }
}

/** Wei that the account has to have. */
function highestCost(tx: EvmTransaction): bigint {
  const blobGas = BigInt(tx.blobVersionedHashes.length) * gasPerBlob
  return tx.value + tx.gas * tx.maxFeePerGas + blobGas * tx.maxFeePerBlobGas
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

import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { isChainId } from '@veilcast/shared/protocol'
import { computeTxId } from '../computeTxId.ts'
import type { Progress } from '../receipt.ts'
import { checkFee } from './checkFee.ts'
import { decodeTransaction } from './decodeTransaction.ts'
import { EvmNodeError, invalidParams } from './EvmNodeError.ts'
import type { NodeContext } from './NodeContext.ts'
import { isOnItsWay, type OwnTransaction } from './ownTransactions.ts'
import { readHex, readQuantity, toHex } from './quantity.ts'
import { readReceipt } from './readReceipt.ts'

/** Longest wait for an endpoint to have the transaction. */
const maxSubmitMs = 120_000
/** Longest following: the 10 minutes after which nothing of it is broadcast, and time to hear of its end. */
const maxFollowMs = 900_000

/**
 * `eth_sendRawTransaction`: the hash, once an endpoint has the transaction, so that a refusal is an error of the call. What
 * becomes of it is followed from then on by what the broadcaster tells.
 */
export async function sendRawTransaction(
  context: NodeContext,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<`0x${string}`> {
  const transaction = submit(context, params, signal)
  await orAborted(transaction.submitted, signal, maxSubmitMs)
  if (transaction.stage === 'ended') throw transaction.error
  return transaction.hash
}

/**
 * `eth_sendRawTransactionSync` (EIP-7966): the receipt, once it is included. Its second parameter is the longest wait in
 * milliseconds; then error 4, with the hash for data.
 */
export async function sendRawTransactionSync(
  context: NodeContext,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<unknown> {
  const waitMs = params[1] === undefined ? undefined : readQuantity(params[1])
  if (params[1] !== undefined && waitMs === undefined) throw invalidParams('the timeout is in milliseconds')
  const limitMs = Math.min(Number(waitMs ?? BigInt(maxSubmitMs)), maxFollowMs)
  const deadlineMs = performance.now() + limitMs
  const transaction = submit(context, params, signal)
  const tooLate = () =>
    new EvmNodeError(4, `the transaction was not included within ${limitMs} ms`, { data: transaction.hash })
  try {
    await orAborted(
      transaction.submitted.then(() => transaction.settled),
      signal,
      limitMs,
    )
  } catch (error) {
    throw findVeilcastError(error)?.errorName === 'replyTimeout' ? tooLate() : error
  }
  if (transaction.stage === 'ended') throw transaction.error
  if (isOnItsWay(transaction)) throw transaction.superseded
  const receipt = await readReceipt(context, transaction.hash, deadlineMs, signal)
  if (receipt === null) throw signal?.aborted ? new VeilcastError('aborted') : tooLate()
  return receipt
}

/** The same bytes twice are one submit, unless the first is over and the chain may still take another. */
function submit(context: NodeContext, params: readonly unknown[], signal?: AbortSignal): OwnTransaction {
  const { client, chain, own } = context
  const signedTx = readHex(params[0])
  if (!signedTx || signedTx.length === 0 || !isChainId(chain))
    throw invalidParams('the signed transaction is hex with 0x')
  const hash = toHex(computeTxId(chain, signedTx))
  const earlier = own.get(hash)
  const end = earlier?.stage === 'ended' ? findVeilcastError(earlier.error) : undefined
  const isOver = earlier?.stage === 'unfollowed' || end?.outcome === 'notSent' || end?.errorName === 'lapsed'
  if (earlier && !isOver) return earlier
  if (signal?.aborted) throw new VeilcastError('abortedBeforeSending')
  const decoded = decodeTransaction(signedTx, hash)
  checkFee(decoded, context.maxFeeWei)

  let heardSubmitted = () => {}
  let refused = (_error: unknown) => {}
  const submitted = new Promise<void>((resolve, reject) => {
    heardSubmitted = resolve
    refused = reject
  })
  submitted.catch(() => undefined)
  const onProgress = ({ stage, state }: Progress) => {
    const isRejected = state?.stage === 'submitted' && state.rejection !== undefined
    if (isRejected || (stage !== 'submitted' && stage !== 'included' && stage !== 'final')) return
    if (transaction.stage === 'sending') transaction.stage = 'submitted'
    heardSubmitted()
  }
  const following = client.submit(
    { chain, signedTx, until: 'included', everyStage: true },
    { timeoutMs: maxFollowMs, onProgress },
  )
  let wake = () => {}
  const settled = new Promise<void>((resolve) => {
    wake = resolve
  })
  const transaction: OwnTransaction = {
    hash,
    decoded,
    stage: 'sending',
    error: undefined,
    submitted,
    settled,
    superseded: undefined,
    supersede(error) {
      transaction.superseded = error
      wake()
    },
  }
  following.then(
    ({ state }) => {
      transaction.stage = 'included'
      heardSubmitted()
      wake()
      const inclusion = 'inclusion' in state ? state.inclusion : undefined
      own.supersedeOthers(transaction, inclusion?.height)
    },
    (error: unknown) => {
      transaction.stage = isTheEnd(error) ? 'ended' : 'unfollowed'
      transaction.error = error
      refused(error)
      wake()
    },
  )
  own.put(transaction)
  return transaction
}

/** True for what is said of the transaction for good; false where only the wait for it came to an end. */
function isTheEnd(error: unknown): boolean {
  const found = findVeilcastError(error)
  return found?.outcome === 'notSent' || found?.errorName === 'replaced' || found?.errorName === 'lapsed'
}

/** Waits no longer than its caller. What was sent is sent: the outcome is unknown to whoever leaves. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => end(() => reject(new VeilcastError('aborted', { cause: signal?.reason })))
    const timer = setTimeout(
      () => end(() => reject(new VeilcastError('replyTimeout', { values: { waitedMs: limitMs } }))),
      limitMs,
    )
    const end = (settle: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      settle()
    }
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort, { once: true })
    work.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    )
  })
}

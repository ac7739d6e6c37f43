import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import type { Receipt } from '../receipt.ts'
import { type CheckTxAnswer, checkTxAnswer } from './checkTxAnswer.ts'
import type { OwnTransactions } from './ownTransactions.ts'
import type { Wait } from './Wait.ts'
import { waitAtMost } from './waitAtMost.ts'

export type BroadcastStage = 'accepted' | 'submitted' | 'included'

export interface Broadcast {
  /** Upper case. */
  readonly hash: string
  /** Undefined where CheckTx, or the broadcaster in its place, took it. */
  readonly refusal: (CheckTxAnswer & { readonly error: VeilcastError }) | undefined
  /** Once it is included. */
  readonly receipt: Receipt | undefined
}

/**
 * A broadcaster says `submitted` when it shows the transaction to an endpoint, before that one has checked it: with
 * `checkTxMs` a refusal is waited for so long.
 * @throws VeilcastError where nobody judged the transaction: it was not sent, or what became of it is unknown
 */
export async function broadcastOwn(
  transactions: OwnTransactions,
  signedTx: Uint8Array,
  { stage, checkTxMs }: { readonly stage: BroadcastStage; readonly checkTxMs: number },
  wait: Wait,
): Promise<Broadcast> {
  if (wait.signal?.aborted) {
    throw new VeilcastError('abortedBeforeSending', { cause: wait.signal.reason })
  }
  const own = transactions.send(signedTx)
  const { hash } = own
  try {
    const receipt = await waitAtMost<Receipt | undefined>(own[stage], wait)
    if (stage === 'submitted') await settledWithin(own.included, checkTxMs)
    return { hash, refusal: undefined, receipt }
  } catch (thrown) {
    const error = findVeilcastError(thrown)
    const refusal = error && checkTxAnswer(error)
    if (!refusal) throw thrown
    return { hash, refusal: { ...refusal, error }, receipt: undefined }
  }
}

/** Resolves after so long, or as soon as it is settled. @throws what it rejects with */
function settledWithin(going: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    const end = (settle: () => void) => {
      clearTimeout(timer)
      settle()
    }
    going.then(
      () => end(resolve),
      (error: unknown) => end(() => reject(error)),
    )
  })
}

import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import type { Progress, Receipt } from '../receipt.ts'
import type { KeptEntry } from './bookkeeper.ts'

/** Notes each stage that is told. */
export function keepStages(
  kept: KeptEntry,
  onProgress: (progress: Progress) => void,
): (progress: Progress) => void {
  return (progress) => {
    if (progress.state) kept.heard(progress.state.stage)
    onProgress(progress)
  }
}

/** Tells the outcome, then removes the entry; keeps it where the outcome is unknown, or could not be told. */
export function closeAfter(
  kept: KeptEntry,
  receipt: Promise<Receipt>,
  { tell, isForgotten = () => false, warn }: Closing,
): void {
  const close = async (outcome: Outcome) => {
    try {
      await tell?.(outcome)
      kept.close(outcome.receipt || isEnd(outcome.error) || isForgotten() ? 'ended' : 'open')
    } catch {
      warn('The outcome could not be told: its entry stays.')
      kept.close('open')
    }
  }
  receipt.then(
    (value) => close({ receipt: value, error: undefined }),
    (error: unknown) => close({ receipt: undefined, error: inOurTerms(error) }),
  )
}

/** One of them is there. */
export interface Outcome {
  readonly receipt: Receipt | undefined
  readonly error: VeilcastError | undefined
}

interface Closing {
  readonly tell: ((outcome: Outcome) => void | Promise<void>) | undefined
  /** Nobody can say more of it than what was said now. */
  readonly isForgotten?: () => boolean
  readonly warn: (message: string) => void
}

/** True where nothing more can become of the transaction than what the error says. */
function isEnd(error: VeilcastError | undefined): boolean {
  return error?.outcome === 'notSent' || error?.outcome === 'onChain'
}

function inOurTerms(error: unknown): VeilcastError {
  return findVeilcastError(error) ?? new VeilcastError('internal', { outcome: 'unknown', cause: error })
}

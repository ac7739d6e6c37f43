import { findVeilcastError } from '@veilcast/shared/errors'
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

/** Removes the entry once its outcome is told, and keeps it where that is unknown: a timeout, an abort, a stop. */
export function closeAfter(kept: KeptEntry, receipt: Promise<Receipt>): void {
  receipt.then(
    () => kept.close('ended'),
    (error: unknown) => kept.close(isEnd(error) ? 'ended' : 'open'),
  )
}

/** True where nothing more can become of the transaction than what the error says. */
export function isEnd(error: unknown): boolean {
  const outcome = findVeilcastError(error)?.outcome
  return outcome === 'notSent' || outcome === 'onChain'
}

import { findVeilcastError } from '@veilcast/client'

/** Of something that was only asked: nothing can have been sent. */
export function describeProblem(error: unknown): string {
  const found = findVeilcastError(error)
  if (!found) return 'The chain’s answer could not be used.'
  switch (found.errorName) {
    case 'replyTimeout':
      return 'The broadcaster did not answer in time. Nothing was sent.'
    case 'mixnetUnavailable':
      return 'The mixnet cannot be reached: nym-api or the gateway did not answer. Nothing was sent.'
    case 'notStarted':
    case 'clientStopped':
      return 'The page is not connected to the mixnet.'
    default:
      return found.shortMessage
  }
}

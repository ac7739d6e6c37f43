import { findVeilcastError } from '@veilcast/client'
import type { Failure } from './Transfer.ts'

/** What went wrong, and the one thing that somebody who sent money wants to know: could it still land? */
export function describeFailure(error: unknown): Failure {
  const found = findVeilcastError(error)
  if (!found) {
    return {
      outcome: 'unknown',
      text: 'Something went wrong in this page.',
      advice: 'Ask again what became of it before you send another one.',
    }
  }
  const { outcome, shortMessage, errorName } = found
  if (outcome === 'onChain') {
    return {
      outcome,
      text: shortMessage,
      advice: 'This one can never land. It is safe to send the next one.',
    }
  }
  if (outcome === 'notSent') {
    return { outcome, text: shortMessage, advice: 'Nobody has passed it on: it is safe to sign again.' }
  }
  const text = errorName === 'replyTimeout' ? 'No answer came in time.' : shortMessage
  return { outcome, text, advice: 'It may still land. Ask again before you sign another one.' }
}

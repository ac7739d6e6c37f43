import { errorNameOf, fromWireError, type VeilcastError, type WireError } from '@veilcast/shared/errors'

/** What a failure calls for: to wait and ask again, to ask the next broadcaster, or to give up. */
export interface JudgedFailure {
  readonly kind: 'wait' | 'elsewhere' | 'failed'
  readonly error: VeilcastError
}

export function judgeFailure(wire: WireError): JudgedFailure {
  const error = fromWireError(wire)
  const name = errorNameOf(wire.number)
  // The broadcaster's own trouble, which may be over soon.
  if (name === 'busy' || name === 'internal') return { kind: 'wait', error }
  // Nothing is known of a later version's errors, the client's own cannot come from there.
  const isForeign = name === undefined || wire.number >= 1000
  return { kind: isForeign || error.retry === 'otherBroadcaster' ? 'elsewhere' : 'failed', error }
}

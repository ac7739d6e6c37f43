import type { Transfer } from './Transfer.ts'

export interface Verdict {
  readonly tone: 'running' | 'good' | 'careful' | 'bad'
  readonly text: string
}

/** A payment in two words. */
export function verdictOf({ progress, failure, ok, stages }: Transfer): Verdict {
  if (failure?.outcome === 'notSent') return { tone: 'bad', text: 'Not sent' }
  if (failure?.outcome === 'onChain') return { tone: 'bad', text: 'Replaced' }
  if (ok === false) return { tone: 'bad', text: 'Failed on chain' }
  const last = stages.at(-1)?.stage
  if (last === 'final') return { tone: 'good', text: 'Final' }
  if (progress === 'silent') {
    return last === 'included'
      ? { tone: 'good', text: 'Included' }
      : { tone: 'careful', text: 'May still land' }
  }
  if (last === 'included') return { tone: 'good', text: 'Included' }
  return { tone: 'running', text: 'On its way' }
}

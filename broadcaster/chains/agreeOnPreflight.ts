import type { Preflight } from './ChainAdapter.ts'

/** Whether one endpoint's word is enough to go on with: nothing is ended by it. */
export function goesOn({ kind }: Preflight): boolean {
  return kind === 'ready' || kind === 'early'
}

/** What endpoints of different operators say together: who would stop it has to be of one mind with the other. */
export function agreeOnPreflight(said: readonly [Preflight, ...Preflight[]]): Preflight {
  const [first] = said
  const goes = said.find(({ kind }) => kind === 'ready') ?? said.find(goesOn)
  if (goes) return goes
  return said.every((one) => sameVerdict(one, first)) ? first : { kind: 'unavailable' }
}

function sameVerdict(a: Preflight, b: Preflight): boolean {
  if (a.kind === 'refused' && b.kind === 'refused') return a.error.number === b.error.number
  return a.kind === b.kind
}

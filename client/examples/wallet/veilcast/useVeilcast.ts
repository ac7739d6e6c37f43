import { useContext } from 'react'
import { type Veilcast, VeilcastContext } from './VeilcastContext.ts'

/** The client of the nearest VeilcastProvider, and how it is connected. */
export function useVeilcast(): Veilcast {
  const veilcast = useContext(VeilcastContext)
  if (!veilcast) throw new Error('useVeilcast is called outside of a VeilcastProvider.')
  return veilcast
}

import type { Anvil } from '@veilcast/devnet'
import { until } from './until.ts'

/** Until a transaction lies in the pool: a block that is mined before has none of it, and there may be no other. */
export function untilPooled(anvil: Anvil): Promise<void> {
  return until(async () => (await anvil.rpc<{ pending: string }>('txpool_status')).pending !== '0x0')
}

import { NotAgreed, type SlotUse, type WaitOptions } from './ChainAdapter.ts'
import type { EndpointPool } from './endpoints/EndpointPool.ts'

/**
 * `used` only where an endpoint each of two operators says so; of one where no more are configured.
 *
 * @throws ChainUnavailable where none answers; NotAgreed where fewer answered, and none of them said otherwise
 */
export async function slotUseAgreed<Client>(
  pool: EndpointPool<Client>,
  question: (client: Client, signal: AbortSignal) => Promise<SlotUse>,
  options: WaitOptions,
): Promise<SlotUse> {
  const said = await pool.askTwo(question, (use) => use !== 'used', options)
  const otherwise = said.find((use) => use !== 'used')
  if (otherwise) return otherwise
  if (said.length >= Math.min(2, pool.operators)) return 'used'
  throw new NotAgreed('Only one of two operators gave a usable answer.')
}

import { type FindOptions, type FoundTx, NotAgreed } from './ChainAdapter.ts'
import type { EndpointPool } from './endpoints/EndpointPool.ts'

/**
 * What one operator's endpoint has found counts only where another's, if one answers, has found it too: a liar alone brings
 * no transaction on chain.
 *
 * @throws ChainUnavailable where no endpoint answers; NotAgreed where one is behind the other, or lies
 */
export async function findAgreed<Client>(
  pool: EndpointPool<Client>,
  question: (client: Client, signal: AbortSignal) => Promise<FoundTx | null>,
  { thorough = false, handedTo, ...waiting }: FindOptions,
): Promise<FoundTx | null> {
  const isEnough = (found: FoundTx | null) => found === null && !thorough
  const [first, ...more] = await pool.askTwo(question, isEnough, { ...waiting, last: handedTo })
  if (more.some((other) => (other === null) !== (first === null))) {
    throw new NotAgreed('Two operators do not agree whether a transaction is on chain.')
  }
  return first
}

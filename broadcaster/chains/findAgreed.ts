import { type FindOptions, type FoundTx, NotAgreed } from './ChainAdapter.ts'
import type { EndpointPool } from './endpoints/EndpointPool.ts'
import { sameInclusion } from './sameInclusion.ts'

/**
 * What one operator's endpoint has found counts only where another's, if one answers, has found the same: a liar alone brings
 * no transaction on chain, and changes nothing of what became of it.
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
  if (more.some((other) => !sameInclusion(other?.inclusion ?? null, first?.inclusion ?? null))) {
    throw new NotAgreed('Two operators do not agree on a transaction: whether, where or how it is on chain.')
  }
  return first
}

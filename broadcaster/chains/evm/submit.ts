import type { Handed, InspectedTx, WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { JsonRpcProblem } from '../endpoints/jsonRpc.ts'
import { classifyError } from './classifyError.ts'
import { type EvmClient, isMethodUnknown } from './EvmClient.ts'
import { toHex } from './nodeValues.ts'

const maxResponseBytes = 65_536

/** Hands the bytes to one endpoint with exactly one eth_sendRawTransaction, and says what its answer means. */
export async function submit(
  pool: EndpointPool<EvmClient>,
  endpoint: string,
  tx: InspectedTx,
  { signal }: WaitOptions,
): Promise<Handed> {
  const client = pool.get(endpoint)?.client
  if (!client) return { kind: 'unavailable' }
  let hash: unknown
  try {
    hash = await client.call('eth_sendRawTransaction', [toHex(tx.signedTx)], { signal, maxResponseBytes })
  } catch (error) {
    signal?.throwIfAborted()
    return answerToProblem(pool, endpoint, error)
  }
  if (typeof hash === 'string' && hash.toLowerCase() === toHex(tx.txId)) return { kind: 'taken' }
  pool.report(endpoint, 'lied')
  return { kind: 'unavailable' }
}

function answerToProblem(pool: EndpointPool<EvmClient>, endpoint: string, error: unknown): Handed {
  if (!(error instanceof JsonRpcProblem)) throw error
  if (error.kind !== 'rpcError') {
    pool.report(endpoint, error.kind === 'rateLimited' ? 'rateLimited' : 'unreachable')
    return { kind: 'unavailable' }
  }
  // We checked the chain id: the endpoint is on another chain, whatever its probe said.
  if (/(invalid|wrong) chain ?id/i.test(error.nodeMessage)) {
    pool.report(endpoint, 'wrongChain')
    return { kind: 'unavailable' }
  }
  if (isMethodUnknown(error)) pool.report(endpoint, 'unreachable')
  return classifyError(error)
}

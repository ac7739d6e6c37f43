import type { Handed, InspectedTx, WaitOptions } from '../ChainAdapter.ts'
import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
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
  options: WaitOptions,
): Promise<Handed> {
  try {
    return await pool.askOne(endpoint, (client, signal) => send(client, tx, signal), options)
  } catch (error) {
    if (error instanceof EndpointProblem) return { kind: 'unavailable' }
    throw error
  }
}

async function send(client: EvmClient, tx: InspectedTx, signal: AbortSignal): Promise<Handed> {
  let hash: unknown
  try {
    hash = await client.call('eth_sendRawTransaction', [toHex(tx.signedTx)], { signal, maxResponseBytes })
  } catch (error) {
    if (!(error instanceof JsonRpcProblem) || error.kind !== 'rpcError') throw error
    // We checked the chain id: the endpoint is on another chain, whatever its probe said.
    if (/(invalid|wrong) chain ?id/i.test(error.nodeMessage)) throw new EndpointProblem('wrongChain')
    if (isMethodUnknown(error)) throw new EndpointProblem('unreachable')
    return classifyError(error)
  }
  if (typeof hash === 'string' && hash.toLowerCase() === toHex(tx.txId)) return { kind: 'taken' }
  throw new EndpointProblem('lied')
}

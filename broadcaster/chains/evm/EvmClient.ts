import { createRpcCaller, type RpcCaller } from '../endpoints/createRpcCaller.ts'
import type { EndpointConfig } from '../endpoints/EndpointConfig.ts'
import type { JsonRpcProblem } from '../endpoints/jsonRpc.ts'

export interface EvmClient extends RpcCaller {
  /** Whether it answered eth_getBlockReceipts with an error that says: not known here. */
  lacksBlockReceipts: boolean
}

export function createEvmClient(endpoint: EndpointConfig, timeoutMs: number): EvmClient {
  return { ...createRpcCaller(endpoint, timeoutMs), lacksBlockReceipts: false }
}

/** -32601, or a provider's own words for it. */
export function isMethodUnknown(problem: JsonRpcProblem): boolean {
  return (
    problem.kind === 'rpcError' &&
    (problem.code === -32601 ||
      /method.{0,64}(not (found|supported|available|exist|allowed|whitelisted)|does not exist)|unsupported method|unknown method/i.test(
        problem.nodeMessage,
      ))
  )
}

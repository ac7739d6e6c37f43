import type { EndpointConfig } from '../endpoints/EndpointConfig.ts'
import {
  fetchJsonRpc,
  fetchJsonRpcBatch,
  type JsonRpcAnswer,
  type JsonRpcCall,
  JsonRpcProblem,
} from '../endpoints/jsonRpc.ts'

/** One node's JSON-RPC. What it answers is not checked yet. */
export interface EvmClient {
  /** @throws JsonRpcProblem; the signal's reason */
  call(method: string, params: readonly unknown[], options: CallOptions): Promise<unknown>
  /** In one request where the node takes batches. @throws JsonRpcProblem unless each call has an answer of its own */
  batch(calls: readonly JsonRpcCall[], options: CallOptions): Promise<readonly JsonRpcAnswer[]>
  /** Whether it answered eth_getBlockReceipts with an error that says: not known here. */
  lacksBlockReceipts: boolean
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Default 1 MiB. */
  readonly maxResponseBytes?: number
}

const defaultMaxResponseBytes = 1_048_576
/** Of the calls that a batch becomes where the node takes none. */
const maxCallsAtOnce = 8

export function createEvmClient(endpoint: EndpointConfig, timeoutMs: number): EvmClient {
  const { url, headers } = endpoint
  let takesBatches = true
  const withLimits = ({ signal, maxResponseBytes = defaultMaxResponseBytes }: CallOptions) => ({
    signal,
    maxResponseBytes,
    timeoutMs,
    headers,
  })

  const client: EvmClient = {
    lacksBlockReceipts: false,

    call: (method, params, options) => fetchJsonRpc(url, method, params, withLimits(options)),

    async batch(calls, options) {
      if (takesBatches) {
        try {
          return await fetchJsonRpcBatch(url, calls, withLimits(options))
        } catch (error) {
          if (!(error instanceof JsonRpcProblem) || !mayMeanNoBatches.has(error.kind)) throw error
        }
      }
      const answers: JsonRpcAnswer[] = []
      for (let from = 0; from < calls.length; from += maxCallsAtOnce) {
        const some = calls.slice(from, from + maxCallsAtOnce)
        answers.push(...(await Promise.all(some.map((call) => answerTo(client, call, options)))))
      }
      takesBatches = false
      return answers
    },
  }
  return client
}

const mayMeanNoBatches: ReadonlySet<JsonRpcProblem['kind']> = new Set(['rpcError', 'notJson', 'httpStatus'])

/** A node's own error is an answer; everything else is thrown. */
export async function answerTo(
  client: EvmClient,
  call: { readonly method: string; readonly params: unknown },
  options: CallOptions,
): Promise<JsonRpcAnswer> {
  try {
    return { ok: true, result: await client.call(call.method, call.params as unknown[], options) }
  } catch (error) {
    if (error instanceof JsonRpcProblem && error.kind === 'rpcError') return { ok: false, problem: error }
    throw error
  }
}

/** @throws JsonRpcProblem where the node answered with an error */
export function resultOf(answer: JsonRpcAnswer | undefined): unknown {
  if (answer?.ok) return answer.result
  throw answer?.problem ?? new JsonRpcProblem('notJson')
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

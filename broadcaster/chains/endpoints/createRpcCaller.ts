import {
  fetchJsonRpc,
  fetchJsonRpcBatch,
  type JsonRpcAnswer,
  type JsonRpcCall,
  JsonRpcProblem,
} from './jsonRpc.ts'

/** One node's JSON-RPC. What it answers is not checked yet. */
export interface RpcCaller {
  /** @throws JsonRpcProblem; the signal's reason */
  call(method: string, params: unknown, options: CallOptions): Promise<unknown>
  /** In one request where the node takes batches. @throws JsonRpcProblem unless each call has an answer of its own */
  batch(calls: readonly JsonRpcCall[], options: CallOptions): Promise<readonly JsonRpcAnswer[]>
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Default 1 MiB. */
  readonly maxResponseBytes?: number
}

const defaultMaxResponseBytes = 1_048_576
/** Of the calls that a batch becomes where the node takes none. */
const maxCallsAtOnce = 8

export function createRpcCaller(
  endpoint: { readonly url: string; readonly headers?: Readonly<Record<string, string>> | undefined },
  timeoutMs: number,
): RpcCaller {
  const { url, headers } = endpoint
  let takesBatches = true
  const withLimits = ({ signal, maxResponseBytes = defaultMaxResponseBytes }: CallOptions) => ({
    signal,
    maxResponseBytes,
    timeoutMs,
    headers,
  })

  const caller: RpcCaller = {
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
        answers.push(...(await Promise.all(some.map((call) => answerTo(caller, call, options)))))
      }
      takesBatches = false
      return answers
    },
  }
  return caller
}

const mayMeanNoBatches: ReadonlySet<JsonRpcProblem['kind']> = new Set(['rpcError', 'notJson', 'httpStatus'])

/** A node's own error is an answer; everything else is thrown. */
export async function answerTo(
  caller: RpcCaller,
  call: JsonRpcCall,
  options: CallOptions,
): Promise<JsonRpcAnswer> {
  try {
    return { ok: true, result: await caller.call(call.method, call.params, options) }
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

const maxBatchResponseBytes = 4 * 1_048_576
/** Of one answer to a wallet's question, as it comes from the node. */
export const maxWalletAnswerBytes = 1_048_576
/** Where the answers of a batch are too long together. */
const maxLongAnswersAtOnce = 4

/**
 * What a wallet asked together, in one request. Where the answers are too long together, each by itself: 'tooLarge' is then the
 * one's own fault, which has more than 1 MiB.
 * @throws JsonRpcProblem
 */
export async function batchForWallet(
  caller: RpcCaller,
  calls: readonly JsonRpcCall[],
  signal: AbortSignal,
): Promise<readonly (JsonRpcAnswer | 'tooLarge')[]> {
  if (calls.length > 1) {
    try {
      return await caller.batch(calls, { signal, maxResponseBytes: maxBatchResponseBytes })
    } catch (error) {
      if (!isTooLarge(error)) throw error
    }
  }
  const answers: (JsonRpcAnswer | 'tooLarge')[] = []
  for (let from = 0; from < calls.length; from += maxLongAnswersAtOnce) {
    const some = calls.slice(from, from + maxLongAnswersAtOnce).map((call) =>
      answerTo(caller, call, { signal, maxResponseBytes: maxWalletAnswerBytes }).catch((error: unknown) => {
        if (isTooLarge(error)) return 'tooLarge' as const
        throw error
      }),
    )
    answers.push(...(await Promise.all(some)))
  }
  return answers
}

function isTooLarge(error: unknown): boolean {
  return error instanceof JsonRpcProblem && error.kind === 'tooLarge'
}

import { EndpointProblem } from './EndpointProblem.ts'
import { withDeadline } from './withDeadline.ts'

export interface JsonRpcOptions {
  readonly signal?: AbortSignal | undefined
  /** Of the decoded body. Default 4 MiB. */
  readonly maxResponseBytes?: number
  /** From the start to the last byte of the body. Default 8 s. */
  readonly timeoutMs?: number
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface JsonRpcCall {
  readonly method: string
  readonly params: unknown
}

export type JsonRpcAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly problem: JsonRpcProblem }

export type JsonRpcProblemKind =
  | 'unreachable'
  | 'httpStatus'
  | 'rateLimited'
  | 'notJson'
  | 'tooLarge'
  | 'rpcError'

/**
 * Why there is no result. The message names the kind and a number, nothing else: no URL, no method's parameters, no word of
 * the node. What the node said is kept out of sight of loggers, to be classified.
 */
export class JsonRpcProblem extends EndpointProblem {
  override readonly name = 'JsonRpcProblem'
  readonly kind: JsonRpcProblemKind
  /** The JSON-RPC error code, or the HTTP status, where there is one. */
  readonly code: number | undefined
  readonly #nodeMessage: string
  readonly #nodeData: unknown

  constructor(kind: JsonRpcProblemKind, code?: number, nodeMessage = '', nodeData?: unknown) {
    super(troubleOf[kind], `JSON-RPC request failed: ${kind}${code === undefined ? '' : ` ${code}`}.`)
    this.kind = kind
    this.code = code
    this.#nodeMessage = nodeMessage
    this.#nodeData = nodeData
  }

  /** The node's words (rpcError only), at most 1024 characters. For classification: never to be logged, stored or sent. */
  get nodeMessage(): string {
    return this.#nodeMessage
  }

  /** The error's `data` (rpcError only). For classification: never to be logged, stored or sent as it is. */
  get nodeData(): unknown {
    return this.#nodeData
  }
}

const troubleOf = {
  unreachable: 'unreachable',
  httpStatus: 'unreachable',
  rateLimited: 'rateLimited',
  notJson: 'unreachable',
  tooLarge: 'unreachable',
  rpcError: 'none',
} as const satisfies Record<JsonRpcProblemKind, EndpointProblem['trouble']>

const defaultMaxResponseBytes = 4_194_304
const defaultTimeoutMs = 8_000
const maxNodeMessageChars = 1024

/**
 * One JSON-RPC 2.0 call over HTTP POST, sent once: no retry, no redirect.
 *
 * @returns its `result`, unchecked
 * @throws JsonRpcProblem; the signal's reason where it aborts
 */
export async function fetchJsonRpc(
  url: string,
  method: string,
  params: unknown,
  options: JsonRpcOptions = {},
): Promise<unknown> {
  const { status, body } = await post(url, toRequest({ method, params }, 0), options)
  const answer = toAnswer(body, status)
  if (!answer.ok) throw answer.problem
  return answer.result
}

/**
 * Several calls in one HTTP request.
 *
 * @returns an answer for each call, in their order
 * @throws JsonRpcProblem where the request failed as a whole (`rpcError`: the endpoint takes no batches); the signal's
 * reason where it aborts
 */
export async function fetchJsonRpcBatch(
  url: string,
  calls: readonly JsonRpcCall[],
  options: JsonRpcOptions = {},
): Promise<JsonRpcAnswer[]> {
  const { status, body } = await post(url, calls.map(toRequest), options)
  if (!Array.isArray(body)) {
    const answer = toAnswer(body, status)
    throw answer.ok ? new JsonRpcProblem('notJson') : answer.problem
  }
  if (body.length !== calls.length) throw new JsonRpcProblem('notJson')
  const answers = new Map(body.map((item) => [isRecord(item) ? item.id : undefined, item]))
  return calls.map((_, index) => toAnswer(answers.get(index + 1), status))
}

/** Ids are the same in every request, so that they tell an endpoint nothing. */
function toRequest(call: JsonRpcCall, index: number) {
  return { jsonrpc: '2.0', id: index + 1, method: call.method, params: call.params }
}

function toAnswer(body: unknown, status: number): JsonRpcAnswer {
  if (isRecord(body) && isRecord(body.error)) return { ok: false, problem: toProblem(body.error) }
  if (status < 200 || status > 299) return { ok: false, problem: new JsonRpcProblem('httpStatus', status) }
  if (!isRecord(body) || !('result' in body)) return { ok: false, problem: new JsonRpcProblem('notJson') }
  return { ok: true, result: body.result }
}

function toProblem(error: Record<string, unknown>): JsonRpcProblem {
  const code = typeof error.code === 'number' && Number.isSafeInteger(error.code) ? error.code : 0
  const message = typeof error.message === 'string' ? error.message.slice(0, maxNodeMessageChars) : ''
  // EIP-1474 calls -32005 `limit exceeded`; besu gives it where a gas limit is too high.
  const limited = code === 429 || (code === -32005 && !/gas|block/i.test(message))
  return limited
    ? new JsonRpcProblem('rateLimited', code)
    : new JsonRpcProblem('rpcError', code, message, error.data)
}

function post(
  url: string,
  request: unknown,
  options: JsonRpcOptions,
): Promise<{ status: number; body: unknown }> {
  const { maxResponseBytes = defaultMaxResponseBytes, timeoutMs = defaultTimeoutMs } = options
  return withDeadline(timeoutMs, options.signal, async (signal) => {
    const response = await fetchOnce(url, request, options.headers, signal)
    if (response.status === 429) {
      await response.body?.cancel().catch(() => {})
      throw new JsonRpcProblem('rateLimited', 429)
    }
    const text = await readText(response, maxResponseBytes)
    return { status: response.status, body: parseJson(text, response) }
  }).catch((error: unknown) => {
    options.signal?.throwIfAborted()
    throw error instanceof JsonRpcProblem ? error : new JsonRpcProblem('unreachable')
  })
}

function fetchOnce(
  url: string,
  request: unknown,
  headers: JsonRpcOptions['headers'],
  signal: AbortSignal,
): Promise<Response> {
  const target = new URL(url)
  const all = new Headers({ ...headers, 'content-type': 'application/json', accept: 'application/json' })
  // fetch refuses a URL that holds a name and password.
  if (target.username || target.password) {
    const credentials = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`
    all.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
    target.username = ''
    target.password = ''
  }
  return fetch(target, {
    method: 'POST',
    headers: all,
    body: JSON.stringify(request),
    redirect: 'error',
    signal,
  })
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new JsonRpcProblem('tooLarge')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** CometBFT and some providers answer a JSON-RPC error with an HTTP status that is none of 200. */
function parseJson(text: string, response: Response): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw response.ok ? new JsonRpcProblem('notJson') : new JsonRpcProblem('httpStatus', response.status)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

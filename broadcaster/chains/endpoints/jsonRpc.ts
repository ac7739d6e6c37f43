import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
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

function post(url: string, request: unknown, options: JsonRpcOptions): Promise<HttpAnswer> {
  return fetchJson(url, { method: 'POST', body: request }, options)
}

export interface HttpAnswer {
  readonly status: number
  readonly body: unknown
}

/**
 * One HTTP request that is answered in JSON, sent once: no retry, no redirect.
 *
 * @throws JsonRpcProblem (none of its kinds but rpcError); the signal's reason where it aborts
 */
export function fetchJson(
  url: string,
  request: { readonly method: 'GET' | 'POST'; readonly body?: unknown },
  options: JsonRpcOptions = {},
): Promise<HttpAnswer> {
  const { maxResponseBytes = defaultMaxResponseBytes, timeoutMs = defaultTimeoutMs } = options
  return withDeadline(timeoutMs, options.signal, async (signal) => {
    const response = await sendOnce(url, request, options.headers, signal)
    const status = response.statusCode ?? 0
    // Whoever is sent elsewhere does not go: nobody else was to see it.
    if (status === 429 || (status >= 300 && status <= 399)) {
      response.destroy()
      throw status === 429 ? new JsonRpcProblem('rateLimited', 429) : new JsonRpcProblem('unreachable')
    }
    return { status, body: parseJson(await readText(response, maxResponseBytes), status) }
  }).catch((error: unknown) => {
    options.signal?.throwIfAborted()
    throw error instanceof JsonRpcProblem ? error : new JsonRpcProblem('unreachable')
  })
}

/** Connections to one node; beyond, a request waits for one of them. */
const maxConnectionsPerNode = 256
/** Shorter than what servers keep one open for, so that seldom one is used that is being closed. */
const idleConnectionMs = 4_000
const pooled = { keepAlive: true, maxSockets: maxConnectionsPerNode, timeout: idleConnectionMs }
// Idle connections keep no process alive.
const http = new HttpAgent(pooled)
const https = new HttpsAgent(pooled)

/** By node's own client: a quarter of what `fetch` costs in processor time. A name and password in the URL go along as a header. */
function sendOnce(
  url: string,
  request: { readonly method: 'GET' | 'POST'; readonly body?: unknown },
  headers: JsonRpcOptions['headers'],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const target = new URL(url)
    const secure = target.protocol === 'https:'
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body))
    const sending = (secure ? httpsRequest : httpRequest)(target, {
      method: request.method,
      agent: secure ? https : http,
      headers: {
        ...headers,
        ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
        accept: 'application/json',
        'accept-encoding': 'gzip',
      },
      signal,
    })
    sending.once('response', resolve)
    // Also after the response has begun: an error that nobody hears would end the process.
    sending.on('error', reject)
    sending.end(body)
  })
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const decoded =
    response.headers['content-encoding'] === 'gzip' ? pipeline(response, createGunzip(), () => {}) : response
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of decoded as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new JsonRpcProblem('tooLarge')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** CometBFT and some providers answer a JSON-RPC error with an HTTP status that is none of 200. */
function parseJson(text: string, status: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw status >= 200 && status <= 299
      ? new JsonRpcProblem('notJson')
      : new JsonRpcProblem('httpStatus', status)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { describeError, invalidRequest, parseError, type RpcError } from './describeError.ts'
import { maxBatchCalls } from './limits.ts'
import { parseJson } from './parseJson.ts'

export interface Call {
  readonly method: string
  readonly params: unknown
  /** What the caller numbers it by; undefined for a notification. */
  readonly id: Id | undefined
}
type Id = string | number | null
export type Perform = (call: Call) => Promise<unknown>

export interface RpcResponse {
  readonly jsonrpc: '2.0'
  readonly id: Id
  readonly result?: unknown
  readonly error?: RpcError
}

const maxIdLength = 256
const maxMethodLength = 128

/**
 * One request, or a batch, in JSON-RPC 2.0. Calls of a batch are made in one go, so that what they ask of the chain travels
 * together. Never rejects.
 * @returns what to answer; undefined where there were notifications only
 */
export async function answerJsonRpc(
  text: string,
  perform: Perform,
  family: 'evm' | 'cosmos',
): Promise<RpcResponse | RpcResponse[] | undefined> {
  let parsed: unknown
  try {
    parsed = parseJson(text)
  } catch {
    return failed(null, parseError)
  }
  if (!Array.isArray(parsed)) return answerOne(parsed, perform, family)
  if (parsed.length === 0) return failed(null, invalidRequest('Invalid request: the batch is empty.'))
  if (parsed.length > maxBatchCalls)
    return failed(null, invalidRequest(`Invalid request: a batch holds at most ${maxBatchCalls} calls.`))
  const answers = await Promise.all(parsed.map((one) => answerOne(one, perform, family)))
  const told = answers.filter((answer) => answer !== undefined)
  return told.length > 0 ? told : undefined
}

async function answerOne(
  request: unknown,
  perform: Perform,
  family: 'evm' | 'cosmos',
): Promise<RpcResponse | undefined> {
  const call = readCall(request)
  if (typeof call === 'string') return failed(idOf(request) ?? null, invalidRequest(call))
  try {
    const result = await perform(call)
    return call.id === undefined ? undefined : { jsonrpc: '2.0', id: call.id, result: result ?? null }
  } catch (error) {
    return call.id === undefined ? undefined : failed(call.id, describeError(error, family))
  }
}

/** The call, or what is wrong with it. */
function readCall(request: unknown): Call | string {
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    return 'Invalid request: it is no object.'
  const { method, params } = request as Record<string, unknown>
  if (typeof method !== 'string' || method.length === 0 || method.length > maxMethodLength)
    return 'Invalid request: it names no method.'
  if (params !== undefined && (typeof params !== 'object' || params === null) && params !== null)
    return 'Invalid request: params is neither an array nor an object.'
  const id = idOf(request)
  if ('id' in request && id === undefined) return 'Invalid request: id is neither a text nor a number.'
  return { method, params: params ?? undefined, id }
}

function idOf(request: unknown): Id | undefined {
  if (typeof request !== 'object' || request === null || !('id' in request)) return undefined
  const { id } = request
  if (id === null || typeof id === 'number') return id
  return typeof id === 'string' && id.length <= maxIdLength ? id : undefined
}

function failed(id: Id, error: RpcError): RpcResponse {
  return { jsonrpc: '2.0', id, error }
}

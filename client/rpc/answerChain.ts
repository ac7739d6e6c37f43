import type { IncomingMessage } from 'node:http'
import { answerJsonRpc } from './answerJsonRpc.ts'
import { isCometMethod, uriParams } from './cosmosUri.ts'
import { describeError, describeRestError, invalidRequest, RpcFault } from './describeError.ts'
import { maxBodyBytes } from './limits.ts'
import type { Node } from './nodes.ts'
import { parseJson } from './parseJson.ts'
import type { Performer } from './performCall.ts'
import { readBody } from './readBody.ts'

export interface Answer {
  readonly status: number
  readonly json?: unknown
  readonly html?: string
  readonly policy?: string
  readonly headers?: Readonly<Record<string, string>>
}

interface Asked {
  readonly request: IncomingMessage
  readonly node: Node
  /** The path after the chain. */
  readonly below: string
  readonly query: string
  readonly performer: Performer
  readonly gone: AbortSignal
}

/** One HTTP request about one chain. Rejects where its body breaks off. */
export async function answerChain(asked: Asked): Promise<Answer> {
  const { request, node, gone, performer } = asked
  const below = node.family === 'cosmos' ? asked.below.replace(/^\/rpc(?=\/|$)/, '') : asked.below
  const isRoot = below === '' || below === '/'
  if (isRoot) {
    if (request.method !== 'POST') return only('POST', node)
    const text = await readBody(request)
    if (text === undefined) return tooLong
    const json = await answerJsonRpc(text, (call) => performer.call(node, call, gone), node.family)
    return json === undefined ? { status: 204 } : { status: 200, json }
  }
  if (node.family === 'evm') return notFound('An EVM chain is served at its own path only.')

  const method = below.slice(1).replace(/\/$/, '')
  if (!method.includes('/')) return answerUri({ ...asked, node }, method)
  return answerRest({ ...asked, node }, below)
}

type CosmosAsked = Asked & { readonly node: Node & { family: 'cosmos' } }

/** `/status`, `/block?height=5`: CometBFT by a URI. */
async function answerUri(
  { request, node, query, performer, gone }: CosmosAsked,
  method: string,
): Promise<Answer> {
  if (!isCometMethod(method)) return notFound('CometBFT has no such method by URI.')
  if (request.method !== 'GET') return only('GET', node)
  try {
    const result = await performer.call(node, { method, params: uriParams(method, query) }, gone)
    return { status: 200, json: { jsonrpc: '2.0', id: -1, result: result ?? null } }
  } catch (error) {
    return { status: 500, json: { jsonrpc: '2.0', id: -1, error: describeError(error, 'cosmos') } }
  }
}

async function answerRest(asked: CosmosAsked, path: string): Promise<Answer> {
  const { request, node, query, performer, gone } = asked
  const { method } = request
  const tell = ({ status, body }: { readonly status: number; readonly body: unknown }): Answer => ({
    status,
    json: body,
  })
  if (method !== 'GET' && method !== 'POST') return only('GET, POST', node)
  if (Number(request.headers['x-cosmos-block-height'] ?? 0) > 0)
    return tell(
      describeRestError(new RpcFault(-32602, 'x-cosmos-block-height: the newest state only is read.')),
    )
  let body: unknown
  if (method === 'POST') {
    const text = await readBody(request)
    if (text === undefined) return tooLong
    try {
      body = parseJson(text)
    } catch {
      return tell(describeRestError(new RpcFault(-32700, 'The body is no JSON.')))
    }
  }
  try {
    return tell(await performer.rest(node, { method, path, query, body }, gone))
  } catch (error) {
    return tell(describeRestError(error))
  }
}

const tooLong: Answer = {
  status: 413,
  json: { jsonrpc: '2.0', id: null, error: invalidRequest(`The body is longer than ${maxBodyBytes} bytes.`) },
}

function notFound(message: string): Answer {
  return { status: 404, json: { jsonrpc: '2.0', id: null, error: { code: -32601, message } } }
}

function only(allow: string, { family, node }: Node): Answer {
  const speaks = family === 'evm' ? 'Ethereum JSON-RPC' : 'CometBFT JSON-RPC'
  const message = `This is ${speaks} of ${node.chain}: ask it by ${allow}, or by a websocket.`
  return {
    status: 405,
    headers: { allow },
    json: { jsonrpc: '2.0', id: null, error: invalidRequest(message) },
  }
}

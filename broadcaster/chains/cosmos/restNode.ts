import { z } from 'zod'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { fetchJson, type HttpAnswer } from '../endpoints/jsonRpc.ts'

/** The REST API (gRPC gateway) of one node. */
export interface RestNode {
  /**
   * One request, sent once.
   * @param height the state is asked for after this block; undefined for the node's newest
   * @throws JsonRpcProblem, EndpointProblem
   */
  ask(request: RestRequest, height: string | undefined, options: RestOptions): Promise<HttpAnswer>
  /** What no answer may hold: the parts of its URL and its headers. */
  readonly secrets: readonly string[]
}

export interface RestRequest {
  readonly method: 'GET' | 'POST'
  /** Begins with one slash, and was checked. */
  readonly path: string
  readonly query: string
  readonly body?: unknown
}

export interface RestOptions {
  readonly signal: AbortSignal
  readonly maxResponseBytes: number
}

/** So long it is taken to be on the chain that it was on. */
const trustedMs = 60_000
const minSecretChars = 4

const nodeInfo = z.object({ default_node_info: z.object({ network: z.string() }) })

export function createRestNode(
  restUrl: string,
  headers: Readonly<Record<string, string>> | undefined,
  cometChainId: string,
): RestNode {
  const base = new URL(restUrl)
  let trustedUntilMs = 0

  function urlOf(path: string, query: string): string {
    const url = new URL(base)
    url.pathname = base.pathname.replace(/\/$/, '') + path
    url.search = [base.search.slice(1), query].filter((part) => part !== '').join('&')
    url.hash = ''
    return url.href
  }

  /** Its probe asks the other address of the same node. @throws EndpointProblem */
  async function checkChain(options: RestOptions): Promise<void> {
    if (performance.now() < trustedUntilMs) return
    const url = urlOf('/cosmos/base/tendermint/v1beta1/node_info', '')
    const parsed = nodeInfo.safeParse((await fetchJson(url, { method: 'GET' }, { ...options, headers })).body)
    if (parsed.data?.default_node_info.network !== cometChainId) throw new EndpointProblem('none')
    trustedUntilMs = performance.now() + trustedMs
  }

  return {
    async ask({ method, path, query, body }, height, options) {
      await checkChain(options)
      const atHeight = height === undefined ? {} : { 'x-cosmos-block-height': height }
      return fetchJson(
        urlOf(path, query),
        { method, body },
        { ...options, headers: { ...headers, ...atHeight } },
      )
    },
    secrets: [
      base.host,
      base.username,
      base.password,
      ...base.pathname.split('/'),
      ...base.search.slice(1).split(/[&=]/),
      ...Object.values(headers ?? {}),
    ].filter((part) => part.length >= minSecretChars),
  }
}

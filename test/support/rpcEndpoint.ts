import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { VeilcastClient } from '@veilcast/client'
import { type RpcEndpoint, type RpcOptions, serveRpc } from '@veilcast/client/rpc'

type Makers = NonNullable<RpcOptions['nodes']>
export type FakeEvm = ReturnType<Makers['evm']>
export type FakeCosmos = ReturnType<Makers['cosmos']>

export interface Asked {
  readonly chain: string
  readonly method: string
  readonly params: unknown
  readonly signal: AbortSignal | undefined
}

export interface FakeEndpoint {
  readonly endpoint: RpcEndpoint
  /** What reached the chains' nodes, in order. */
  readonly asked: Asked[]
  /** Replaces how the EVM chain answers. */
  answers(by: (asked: Asked) => unknown): void
  /** Subscriptions to the EVM chain that are not stopped. */
  readonly hearing: Set<{ readonly kind: string; readonly filter: unknown; hear(item: unknown): void }>
  /** Replaces what the broadcaster says it serves. */
  serves(by: () => Promise<readonly string[]>): void
  readonly infos: { count: number }
}

/** The endpoint, with nodes that say what the test tells them to. */
export async function startFakeEndpoint(options: Partial<RpcOptions> = {}): Promise<FakeEndpoint> {
  const asked: Asked[] = []
  const hearing: FakeEndpoint['hearing'] = new Set()
  const infos = { count: 0 }
  let answer: (asked: Asked) => unknown = ({ method }) => `answer to ${method}`
  let serve: () => Promise<readonly string[]> = async () => ['eip155:1', 'cosmos:hub-4']
  const note = (one: Asked) => {
    asked.push(one)
    return one
  }
  const client = {
    head: () => undefined,
    async info() {
      infos.count += 1
      const chains = (await serve()).map((chain) => ({
        chain,
        family: chain.startsWith('eip155') ? 'evm' : 'cosmos',
        live: true,
        height: 7n,
      }))
      return { chains, roundTripMs: 12 }
    },
  } as unknown as VeilcastClient
  const endpoint = await serveRpc({
    client,
    port: 0,
    nodes: {
      evm: (_, chain) => ({
        chain,
        request: async ({ method, params }, { signal } = {}) =>
          answer(note({ chain, method, params, signal })),
        subscribe(kind, filter, hear) {
          const one = { kind, filter, hear }
          hearing.add(one)
          return { stop: () => void hearing.delete(one) }
        },
      }),
      cosmos: (_, chain) => ({
        chain,
        request: async ({ method, params }, { signal } = {}) =>
          answer(note({ chain, method, params, signal })),
        refusalOf: () => undefined,
        rest: async ({ method, path, query, body }, { signal } = {}) => {
          const one = note({ chain, method: `${method} ${path}`, params: { query, body }, signal })
          return { status: 200, body: await answer(one) }
        },
      }),
    },
    ...options,
  })
  return {
    endpoint,
    asked,
    hearing,
    infos,
    answers(by) {
      answer = by
    },
    serves(by) {
      serve = by
    },
  }
}

export interface Told {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it as it likes
  readonly json: any
}

/** As a browser, or anything else, might ask: any path, any header. */
export function ask(
  endpoint: RpcEndpoint,
  {
    method = 'POST',
    path = '/eip155:1',
    headers = {},
    body,
    signal,
  }: {
    method?: string
    path?: string
    headers?: Record<string, string>
    body?: unknown
    signal?: AbortSignal
  } = {},
): Promise<Told> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest(
      { host: '127.0.0.1', port: endpoint.port, method, path, headers, agent: false, signal },
      async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        let json: unknown
        try {
          json = JSON.parse(text)
        } catch {
          // It is a page.
        }
        resolve({ status: response.statusCode!, headers: response.headers, text, json })
      },
    )
    asking.on('error', reject)
    asking.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  })
}

export const call = (method: string, params: unknown = [], id: unknown = 1) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

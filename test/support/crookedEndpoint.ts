import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Call {
  readonly method: string
  readonly params: readonly unknown[]
}

/** What an endpoint answers to one call; `ask` asks the node. */
export type Answerer = (
  call: Call,
  ask: (method: string, params: readonly unknown[]) => Promise<unknown>,
) => Promise<unknown>

export interface CrookedEndpoint {
  readonly url: string
  /** From now on it answers like this; default: as the node. `next` is asked once for each HTTP request. */
  show(next: (() => Answerer) | undefined): void
  /** Calls of a method that arrived, or of all methods; each call of a batch counts. */
  calls(method?: string): number
  stop(): Promise<void>
}

/** An EVM endpoint whose answers have the right form and are not those of its node. */
export async function startCrookedEndpoint(nodeUrl: string): Promise<CrookedEndpoint> {
  let next: () => Answerer = () => honest
  const counts = new Map<string, number>()

  async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(nodeUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const answer = (await response.json()) as { result?: unknown; error?: object }
    if (answer.error) throw answer.error
    return answer.result
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    const answerer = next()
    const answer = async ({ id, method, params }: Call & { id: number }) => {
      counts.set(method, (counts.get(method) ?? 0) + 1)
      try {
        return { jsonrpc: '2.0', id, result: await answerer({ method, params }, ask) }
      } catch (error) {
        return { jsonrpc: '2.0', id, error }
      }
    }
    const answers = Array.isArray(body) ? await Promise.all(body.map(answer)) : await answer(body)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    show(answerers = () => honest) {
      next = answerers
    },
    calls: (method) =>
      method === undefined ? [...counts.values()].reduce((a, b) => a + b, 0) : (counts.get(method) ?? 0),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export const honest: Answerer = ({ method, params }, ask) => ask(method, params)

/** A node that has not seen the newest blocks yet. */
export function behind(blocks: number): Answerer {
  return async ({ method, params }, ask) => {
    const top = Math.max(0, Number(await ask('eth_blockNumber', [])) - blocks)
    const at = (height: unknown) =>
      height === 'latest' || height === 'pending' ? `0x${top.toString(16)}` : height
    const isAbove = (height: unknown) =>
      typeof height === 'string' && height.startsWith('0x') && Number(height) > top
    switch (method) {
      case 'eth_blockNumber':
        return `0x${top.toString(16)}`
      case 'eth_getBlockByNumber':
      case 'eth_getBlockReceipts':
        return isAbove(params[0]) ? null : ask(method, [at(params[0]), ...params.slice(1)])
      case 'eth_getTransactionReceipt': {
        const receipt = (await ask(method, params)) as { blockNumber: string } | null
        return receipt && isAbove(receipt.blockNumber) ? null : receipt
      }
      case 'eth_getTransactionCount':
      case 'eth_getBalance':
        if (isAbove(params[1])) throw { code: -32000, message: 'header not found' }
        return ask(method, [params[0], at(params[1])])
      default:
        return ask(method, params)
    }
  }
}

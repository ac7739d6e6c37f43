import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SaysOnly {
  readonly url: string
  readonly port: number
  /** JSON-RPC methods and GET paths that were asked for, in order. */
  readonly asked: string[]
  stop(): Promise<void>
}

/** A node that knows a few answers by heart: JSON-RPC results by method, and REST bodies by path. All else is no answer. */
export async function saysOnly(answers: Readonly<Record<string, unknown>>, status = 200): Promise<SaysOnly> {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    response.statusCode = status
    if (status !== 200) return response.end('no')
    const name =
      request.method === 'GET'
        ? request.url!
        : String((JSON.parse(Buffer.concat(chunks).toString()) as { method: string }).method)
    asked.push(name)
    if (request.method === 'GET') return response.end(JSON.stringify(answers[name] ?? {}))
    const known = Object.hasOwn(answers, name)
    response.end(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        ...(known ? { result: answers[name] } : { error: { code: -32_601, message: 'no such method' } }),
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export const evmWords = (chainId: number, genesis = '11'): Record<string, unknown> => ({
  eth_chainId: `0x${chainId.toString(16)}`,
  eth_getBlockByNumber: { hash: `0x${genesis.repeat(32)}` },
})

export const cometWords = (network: string, id = 'a', prefix = 'cosmos'): Record<string, unknown> => ({
  status: { node_info: { id: id.repeat(40), network } },
  // Bech32PrefixResponse: its only field is the text.
  abci_query: {
    response: { value: Buffer.from([10, prefix.length, ...Buffer.from(prefix)]).toString('base64') },
  },
  '/cosmos/base/tendermint/v1beta1/node_info': { default_node_info: { network } },
})

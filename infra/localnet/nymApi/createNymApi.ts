import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { closeServer, listen } from '../listen.ts'
import { keyRotationInfo } from './keyRotationInfo.ts'
import { rewardedSet } from './rewardedSet.ts'
import { skimmedNodes } from './skimmedNodes.ts'
import type { Topology } from './topology.ts'

export type NymApi = { readonly port: number; stop(): Promise<void> }

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, OPTIONS',
  'access-control-allow-headers': '*',
  'access-control-allow-private-network': 'true',
}

/**
 * The five answers of nym-api that a client needs, in JSON, which clients take even where they ask for bincode.
 * Paths work with and without the `/api` that public endpoints have in front.
 */
export async function createNymApi(options: {
  readonly host: string
  readonly port: number
  readonly topology: Topology
  readonly maxConnections: number
}): Promise<NymApi> {
  const { topology } = options
  const answers = new Map<string, object>([
    ['/v2/unstable/nym-nodes/skimmed', skimmedNodes(topology, 'all')],
    ['/v2/unstable/nym-nodes/skimmed/entry-gateways', skimmedNodes(topology, 'entry-gateways')],
    ['/v2/unstable/nym-nodes/skimmed/mixnodes/active', skimmedNodes(topology, 'mixnodes')],
    ['/v1/nym-nodes/rewarded-set', rewardedSet(topology)],
    ['/v1/epoch/key-rotation-info', keyRotationInfo(topology)],
  ])

  function answer(request: IncomingMessage, response: ServerResponse) {
    request.resume()
    if (request.method === 'OPTIONS') return reply(response, 204)
    if (request.method !== 'GET') return reply(response, 405, { error: 'only GET is answered' })
    const path = (request.url ?? '').split('?', 1)[0]?.replace(/^\/api(?=\/)/, '') ?? ''
    const found = answers.get(path)
    if (found === undefined) return reply(response, 404, { error: 'a local nym-api does not know this path' })
    reply(response, 200, found)
  }

  const server = createServer(answer)
  server.maxConnections = options.maxConnections
  const port = await listen(server, options.host, options.port)
  return { port, stop: () => closeServer(server) }
}

function reply(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, { ...CORS, 'content-type': 'application/json' })
  response.end(body && JSON.stringify(body))
}

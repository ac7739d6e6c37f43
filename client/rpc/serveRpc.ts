import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { VeilcastError } from '@veilcast/shared/errors'
import { type WebSocket, WebSocketServer } from 'ws'
import type { VeilcastClient } from '../createClient.ts'
import { type Admitted, type DoorOptions, openDoor, type Refused } from './admitRequest.ts'
import { type Answer, answerChain } from './answerChain.ts'
import { corsHeaders } from './corsHeaders.ts'
import type { Traffic } from './countTraffic.ts'
import { describeError } from './describeError.ts'
import { describeState, type EndpointState } from './describeState.ts'
import { learnChains } from './learnChains.ts'
import {
  answerTimeoutMs,
  headersTimeoutMs,
  keepAliveTimeoutMs,
  maxBodyBytes,
  maxConnections,
  maxSockets,
  pingEveryMs,
  requestTimeoutMs,
  stopGraceMs,
} from './limits.ts'
import type { Head } from './newBlocks.ts'
import { keepNodes, type MaxFees, type Node, type NodeMakers, ownNodes } from './nodes.ts'
import { createPerformer } from './performCall.ts'
import { serveSocket } from './serveSocket.ts'
import { page, pagePolicy } from './statusPage.ts'
import { tallyCalls } from './tallyCalls.ts'
import { watchClient } from './watchClient.ts'

export type LoopbackHost = '127.0.0.1' | '::1'

export interface RpcOptions extends DoorOptions {
  /** A client that is started, or that someone starts: until then calls are answered `notStarted`. It is not stopped here. */
  readonly client: VeilcastClient
  /** Default {@link defaultPort}; 0 for a free one. */
  readonly port?: number | undefined
  /** Loopback only. Default `['127.0.0.1']`. */
  readonly hosts?: readonly LoopbackHost[] | undefined
  /** How long a read waits. Default 60 000. */
  readonly timeoutMs?: number | undefined
  /** One that pays more is not sent. Default: 10^18 wei on each EVM chain, any fee and 100,000,000 gas on a Cosmos chain. */
  readonly maxFees?: MaxFees | undefined
  /** For the page: the transport's name, and what went through it (`countTraffic`). */
  readonly transport?: string | undefined
  readonly traffic?: (() => Traffic) | undefined
  /** What speaks as a node of each family. Default: this package's own. */
  readonly nodes?: NodeMakers | undefined
}

export interface RpcEndpoint {
  readonly port: number
  /** `http://127.0.0.1:28545`, and the token's path where there is one. */
  readonly url: string
  /** Where a wallet finds a chain that is served, as in `http://127.0.0.1:28545/1`. */
  urls(): Promise<
    readonly { readonly chain: string; readonly family: 'evm' | 'cosmos'; readonly url: string }[]
  >
  state(): EndpointState
  /** Waits shortly for transactions on their way out, then ends every connection. Idempotent. */
  stop(): Promise<void>
}

/** Not registered with IANA, and below what systems hand out to outgoing connections. */
export const defaultPort = 28_545

/**
 * A wallet's RPC endpoint on this machine: Ethereum JSON-RPC, CometBFT RPC and Cosmos REST at `/<chain>`, everything asked
 * through the client, which is to say through the mixnet.
 *
 * @example
 * import { serveRpc } from '@veilcast/client/rpc'
 *
 * const endpoint = await serveRpc({ client, allowOrigins: ['https://app.example'] })
 * console.log(await endpoint.urls())
 * await endpoint.stop()
 *
 * @throws VeilcastError `invalidArgument`, also where the port is taken
 */
export async function serveRpc(options: RpcOptions): Promise<RpcEndpoint> {
  const { port: wantedPort = defaultPort, hosts = ['127.0.0.1'], timeoutMs = 60_000, traffic } = options
  if (!Number.isInteger(wantedPort) || wantedPort < 0 || wantedPort > 65_535)
    throw invalid('port: is a whole number from 0 to 65535.')
  if (hosts.length === 0 || hosts.some((host) => host !== '127.0.0.1' && host !== '::1'))
    throw invalid('hosts: 127.0.0.1 and ::1 only. This endpoint is for this machine.')
  const door = openDoor(options)
  const { client, submits } = watchClient(options.client, timeoutMs)
  const chains = learnChains(client, timeoutMs)
  const tallies = tallyCalls(traffic && (() => traffic().messagesDown))
  const performer = createPerformer(tallies)
  const nodeOf = keepNodes(client, options.nodes ?? ownNodes(timeoutMs, options.maxFees))
  const head: Head = (chain) => client.head(chain)
  const startedAtMs = performance.now()
  const state = () =>
    describeState({ client, chains, tallies, submits, traffic, transport: options.transport, startedAtMs })
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxBodyBytes, perMessageDeflate: false })
  const leaving = new Set<AbortController>()
  let port = wantedPort
  let stopping: Promise<void> | undefined

  const answer = async (request: IncomingMessage, asked: Admitted, gone: AbortSignal): Promise<Answer> => {
    if (asked.path === '/') return { status: 200, html: page, policy: pagePolicy }
    if (asked.path === '/state.json') return { status: 200, json: state() }
    const [, name = '', below = ''] = /^\/([^/]*)(.*)$/s.exec(asked.path) ?? []
    const found = await findChain(name)
    if ('refused' in found) return found.refused
    return answerChain({ request, node: found.node, below, query: asked.query, performer, gone })
  }

  const findChain = async (
    name: string,
  ): Promise<{ node: Node } | { refused: { status: number; json: object } }> => {
    let chain: Awaited<ReturnType<typeof chains.find>>
    try {
      chain = await chains.find(decode(name))
    } catch (error) {
      const told = describeError(error, 'evm')
      return { refused: { status: 503, json: { jsonrpc: '2.0', id: null, error: told } } }
    }
    if (chain) return { node: nodeOf(chain.chain, chain.family) }
    const served = (chains.known()?.chains ?? []).map(({ chain }) => chain)
    const message = `This chain is not served. Served: ${served.join(', ') || 'none'}.`
    const error = { code: -32001, message, data: { served } }
    return { refused: { status: 404, json: { jsonrpc: '2.0', id: null, error } } }
  }

  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = door(request, port)
    if (!asked.admitted) return write(response, { status: asked.status, json: refusal(asked) }, {})
    const headers = corsHeaders(asked.origin, request)
    if (request.method === 'OPTIONS') return write(response, { status: 204 }, headers)
    const gone = new AbortController()
    leaving.add(gone)
    response.on('close', () => {
      leaving.delete(gone)
      if (!response.writableFinished) gone.abort()
    })
    try {
      write(response, await answer(request, asked, gone.signal), headers)
    } catch (error) {
      // What was asked never came whole, or nobody is there any more.
      const told = describeError(error, 'evm')
      write(response, { status: 500, json: { jsonrpc: '2.0', id: null, error: told } }, headers)
    }
  }

  const onUpgrade = async (request: IncomingMessage, socket: Duplex, first: Buffer) => {
    const cut = () => socket.destroy()
    socket.on('error', cut)
    const asked = door(request, port)
    if (!asked.admitted) return refuseUpgrade(socket, asked.status, refusal(asked))
    const [, name = '', below = ''] = /^\/([^/]*)(.*)$/s.exec(asked.path) ?? []
    if (!/^(\/(ws|websocket|rpc|rpc\/websocket)?)?$/.test(below))
      return refuseUpgrade(socket, 404, { error: 'No websocket is served here.' })
    if (stopping || sockets.clients.size >= maxSockets)
      return refuseUpgrade(socket, 503, { error: `${maxSockets} websockets are open already.` })
    const found = await findChain(name)
    if ('refused' in found) return refuseUpgrade(socket, found.refused.status, found.refused.json)
    if (socket.destroyed) return
    socket.off('error', cut)
    sockets.handleUpgrade(request, socket, first, (opened) => {
      alive.add(opened)
      opened.on('pong', () => alive.add(opened))
      serveSocket(opened, found.node, performer, head)
    })
  }

  const alive = new WeakSet<WebSocket>()
  const pinging = setInterval(() => {
    for (const socket of sockets.clients) {
      if (!alive.delete(socket)) socket.terminate()
      else socket.ping()
    }
  }, pingEveryMs)

  const open = (host: LoopbackHost) =>
    new Promise<Server>((resolve, reject) => {
      const server = createServer({
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: keepAliveTimeoutMs,
        connectionsCheckingInterval: 1_000,
      })
      server.maxConnections = maxConnections
      server.on('request', onRequest)
      server.on('upgrade', onUpgrade)
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(invalid(`${host}:${port} cannot be listened on (${error.code}): name another port.`)),
      )
      server.listen(port, host, () => resolve(server))
    })
  const servers: Server[] = []
  const close = async () => {
    clearInterval(pinging)
    const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
    for (const socket of sockets.clients) socket.close(1001, 'the endpoint stops')
    await performer.sent(stopGraceMs)
    for (const gone of leaving) gone.abort()
    // Answers that this ended are written before their connections are cut.
    await new Promise((resolve) => setTimeout(resolve, 50))
    for (const socket of sockets.clients) socket.terminate()
    for (const server of servers) server.closeAllConnections()
    await Promise.all(closed)
    sockets.close()
  }
  try {
    for (const host of hosts) {
      const server = await open(host)
      servers.push(server)
      port = (server.address() as AddressInfo).port
    }
  } catch (error) {
    await close()
    throw error
  }

  const url = `http://${hosts[0] === '::1' ? '[::1]' : '127.0.0.1'}:${port}`
  const base = options.token === undefined ? url : `${url}/t/${options.token}`
  return {
    port,
    url: base,
    async urls() {
      const { chains: served } = chains.known() ?? (await chains.learn())
      return served.map(({ chain, family }) => ({ chain, family, url: `${base}/${chain}` }))
    },
    state,
    stop() {
      stopping ??= close()
      return stopping
    },
  }
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

function refusal({ message }: Refused): object {
  return { error: { code: -32600, message } }
}

const always = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
}

function write(response: ServerResponse, answer: Answer, headers: Record<string, string>): void {
  if (response.destroyed || response.headersSent) return
  const slow = setTimeout(() => response.destroy(), answerTimeoutMs)
  response.on('close', () => clearTimeout(slow))
  const { status, json, html, policy = "default-src 'none'; frame-ancestors 'none'" } = answer
  const type = html === undefined ? 'application/json' : 'text/html; charset=utf-8'
  const body = html ?? (json === undefined ? '' : JSON.stringify(json))
  const isUnread = !response.req.complete
  response.writeHead(status, {
    ...always,
    ...headers,
    ...answer.headers,
    'content-security-policy': policy,
    ...(body === '' ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    // What is left of a body that is too long is not read.
    ...(isUnread ? { connection: 'close' } : {}),
  })
  response.end(response.req.method === 'HEAD' ? '' : body)
  if (isUnread) response.once('finish', () => response.destroy())
}

function refuseUpgrade(socket: Duplex, status: number, json: object): void {
  const body = JSON.stringify(json)
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function invalid(details: string): VeilcastError {
  return new VeilcastError('invalidArgument', { details })
}

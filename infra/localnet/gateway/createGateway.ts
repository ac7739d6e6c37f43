import { createServer } from 'node:http'
import { base58 } from '@scure/base'
import { WebSocketServer } from 'ws'
import type { ClientId, PacketTrace, Tallies } from '../counters/createTallies.ts'
import { closeServer, listen } from '../listen.ts'
import type { RoutingAddress } from '../sphinx/routingAddress.ts'
import { type ClientLimits, createClients } from './createClients.ts'
import type { Ed25519KeyPair } from './ed25519.ts'
import { serveSocket } from './serveSocket.ts'
import { splitFinalMessage } from './splitFinalMessage.ts'

export type GatewayLimits = ClientLimits & {
  readonly maxSockets: number
  readonly maxFrameBytes: number
  readonly maxHandshakeMs: number
}

export type GatewayOptions = {
  readonly host: string
  readonly port: number
  readonly keys: Ed25519KeyPair
  readonly limits: GatewayLimits
  readonly tallies: Tallies
  /** Takes packets to the mix that a client, or an acknowledgement, names as its first hop. */
  readonly forward: (address: RoutingAddress, packet: Uint8Array, trace: PacketTrace) => void
  readonly connected: (client: ClientId) => void
  readonly disconnected: (client: ClientId) => void
}

export type Gateway = {
  readonly port: number
  /** What the last hop of a packet found in it. */
  deliver(destination: Uint8Array, message: Uint8Array, trace: PacketTrace): void
  cutSockets(client?: ClientId): void
  /** Cuts every socket and refuses new ones. */
  goAway(): void
  comeBack(): void
  stop(): Promise<void>
}

/** The entry and exit gateway: a websocket server that speaks Nym's gateway protocol, version 5. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { limits, tallies, forward } = options
  const clients = createClients(limits, tallies)
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.maxFrameBytes,
    perMessageDeflate: false,
  })
  const server = createServer((_request, response) => {
    response.writeHead(426, { connection: 'close', 'content-type': 'text/plain' })
    response.end('This is a Nym gateway: it speaks websocket only.\n')
  })
  let away = false

  server.on('upgrade', (request, stream, head) => {
    stream.on('error', () => {})
    if (away || sockets.clients.size >= limits.maxSockets) return void stream.destroy()
    sockets.handleUpgrade(request, stream, head, (socket) =>
      serveSocket(socket, {
        keys: options.keys,
        clients,
        clientIdOf,
        upload: tallies.uploaded,
        forward,
        connected: options.connected,
        disconnected: options.disconnected,
        maxHandshakeMs: limits.maxHandshakeMs,
      }),
    )
  })
  const cutAll = () => {
    for (const socket of sockets.clients) socket.terminate()
  }
  const port = await listen(server, options.host, options.port)

  return {
    port,
    deliver(destination, message, trace) {
      const split = splitFinalMessage(message)
      if (split === undefined) return tallies.unroutable(trace)
      const id = clientIdOf(destination)
      tallies.delivered(trace, id)

      const client = clients.get(id)
      if (client !== undefined) {
        const isLoop = trace.kind === 'upload' && trace.uploader === id
        const what = split.kind === 'ack' ? 'ack' : isLoop ? 'loop' : 'data'
        clients.push(client, { what, body: split.body })
      } else if (split.kind === 'data') tallies.unknownRecipient()

      // A gateway acknowledges data for a client it does not know, too; without it, the sender would repeat for ever.
      if (split.kind === 'data') forward(split.ack.firstHop, split.ack.packet, { kind: 'ack' })
    },
    cutSockets: (client) => (client === undefined ? cutAll() : clients.cut(client)),
    goAway() {
      away = true
      cutAll()
    },
    comeBack() {
      away = false
    },
    async stop() {
      away = true
      cutAll()
      await closeServer(server)
    },
  }
}

/** Names a client as Nym does: its ed25519 identity key in base58. */
export const clientIdOf = (identityKey: Uint8Array): ClientId => base58.encode(Uint8Array.from(identityKey))

import type { WebSocket } from 'ws'
import type { ClientId, Tallies } from '../counters/createTallies.ts'
import { sealPush } from './binaryFrame.ts'
import { createMailbox, type Mailbox, type Push } from './createMailbox.ts'
import type { SharedKey } from './sharedKey.ts'

export type GatewayClient = {
  readonly id: ClientId
  sharedKey: SharedKey
  socket: WebSocket | undefined
  readonly mailbox: Mailbox
}

/** The clients that registered in this process, with or without a socket. */
export type Clients = {
  get(id: ClientId): GatewayClient | undefined
  /** A new client, or a known one with a new key. Undefined when the table is full. */
  register(id: ClientId, sharedKey: SharedKey): GatewayClient | undefined
  /** Gives a client its socket, closes an older one, and pushes what was stored. */
  attach(client: GatewayClient, socket: WebSocket): void
  /** Pushes now, or stores for later. */
  push(client: GatewayClient, push: Push): void
  /** Terminates the client's socket, if it has one. */
  cut(id: ClientId): void
}

export type ClientLimits = {
  readonly maxClients: number
  readonly maxStoredMessagesPerClient: number
  readonly maxStoredBytesPerClient: number
  /** A client that reads too slowly loses its socket once this much waits for it. */
  readonly maxSocketBufferedBytes: number
}

export function createClients(limits: ClientLimits, tallies: Tallies): Clients {
  const clients = new Map<ClientId, GatewayClient>()

  function send(client: GatewayClient, socket: WebSocket, { what, body }: Push): void {
    const frame = sealPush(client.sharedKey, body)
    socket.send(frame)
    tallies.pushed(client.id, what, frame.length)
  }

  function push(client: GatewayClient, one: Push) {
    const { socket } = client
    if (socket !== undefined && socket.readyState === socket.OPEN) {
      if (socket.bufferedAmount <= limits.maxSocketBufferedBytes) return send(client, socket, one)
      socket.terminate()
    }
    tallies.stored(client.id, client.mailbox.put(one))
  }

  return {
    get: (id) => clients.get(id),
    register(id, sharedKey) {
      const known = clients.get(id)
      if (known !== undefined) {
        known.sharedKey = sharedKey
        return known
      }
      if (clients.size >= limits.maxClients) return undefined
      const client = { id, sharedKey, socket: undefined, mailbox: createMailbox(limits) }
      clients.set(id, client)
      return client
    },
    attach(client, socket) {
      if (client.socket !== socket) client.socket?.close(1008, 'the client opened another socket')
      client.socket = socket
      for (const stored of client.mailbox.takeAll()) push(client, stored)
    },
    push,
    cut: (id) => clients.get(id)?.socket?.terminate(),
  }
}

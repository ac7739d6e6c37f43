import { createServer } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { closeServer, listen } from '../listen.ts'
import { isLoopback, LocalnetOptionError } from '../options.ts'
import type { NymClientProfile } from '../wasmClient/nymClientOptions.ts'
import {
  startWasmClient,
  type WasmClient,
  WasmClientRefusedError,
  type WasmMessage,
} from '../wasmClient/startWasmClient.ts'
import { decodeBinaryRequest } from './decodeBinaryRequest.ts'
import { decodeTextRequest } from './decodeTextRequest.ts'
import { encodeBinaryResponse, encodeTextResponse, type NativeResponse } from './encodeResponse.ts'
import { ERROR_KINDS, type NativeRequest, NativeRequestError } from './nativeRequest.ts'

export type NativeClientStandInOptions = NymClientProfile & {
  /** Of the local network: a Localnet has both. */
  readonly nymApiUrl: string
  readonly preferredGateway: string
  /** Where it listens: loopback only. Default `127.0.0.1`. */
  readonly host?: string
  /** Default 0: a free one. The native client's own default is 1977. */
  readonly port?: number
  /** Names the client's store. Default: random. */
  readonly id?: string
  readonly signal?: AbortSignal
}

export type NativeClientStandIn = {
  readonly port: number
  /** `ws://127.0.0.1:PORT` */
  readonly url: string
  /** The Nym address of the client behind it. */
  readonly address: string
  /** Settles when the client behind it ended by itself; its sockets are then closed with 1011. */
  readonly failed: Promise<Error>
  stop(): Promise<void>
}

const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** Messages that wait until a program connects; the native client has no limit. */
const MAX_WAITING_MESSAGES = 10_000
const MAX_SOCKET_BUFFERED_BYTES = 64 * 1024 * 1024
const INTERNAL_ERROR = 1011

/**
 * Serves the websocket API of the native `nym-client` over a wasm client in a worker thread, so that what is written
 * for the native client can be tested without it. Like the original it serves one socket at a time, keeps what arrives
 * while there is none, and answers in the kind of frame, binary or text, that it was last asked in.
 * Throws LocalnetOptionError and PortUnavailableError.
 *
 * @example
 * import { startLocalnet, startNativeClientStandIn } from '@veilcast/localnet'
 *
 * const localnet = await startLocalnet()
 * const nymClient = await startNativeClientStandIn({ ...localnet, port: 1977 })
 * await nymClient.stop()
 * await localnet.stop()
 */
export async function startNativeClientStandIn(
  options: NativeClientStandInOptions,
): Promise<NativeClientStandIn> {
  const { host = '127.0.0.1', id, ...rest } = options
  if (!isLoopback(host))
    throw new LocalnetOptionError('the native client has no access control: loopback only')

  const waiting: WasmMessage[] = []
  let socket: WebSocket | undefined
  let answersInText = false

  const say = (to: WebSocket, response: NativeResponse) => {
    if (to.readyState !== to.OPEN) return
    to.send(answersInText ? encodeTextResponse(response) : encodeBinaryResponse(response))
    if (to.bufferedAmount > MAX_SOCKET_BUFFERED_BYTES) to.terminate()
  }
  const onMessage = (message: WasmMessage) => {
    if (socket !== undefined) say(socket, { type: 'received', ...message })
    else if (waiting.length < MAX_WAITING_MESSAGES) waiting.push(message)
  }

  const client = await startWasmClient({ ...rest, ...(id !== undefined && { clientId: id }), onMessage })
  let ordersPending = 0

  async function handle(from: WebSocket, frame: Buffer, isBinary: boolean) {
    answersInText = !isBinary
    try {
      const request = isBinary ? decodeBinaryRequest(frame) : decodeTextRequest(frame.toString())
      ordersPending++
      const response = await serve(client, request, () => ordersPending - 1).finally(() => ordersPending--)
      if (response !== undefined) say(from, response)
    } catch (error) {
      say(from, errorResponse(error))
    }
  }

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  })
  const server = createServer((_request, response) => response.writeHead(426).end())
  server.on('upgrade', (request, stream, head) => {
    stream.on('error', () => {})
    if (sockets.clients.size > 0) return void stream.destroy()
    sockets.handleUpgrade(request, stream, head, (opened) => {
      socket = opened
      answersInText = false
      opened.on('error', () => {})
      opened.on('close', () => {
        if (socket === opened) socket = undefined
      })
      opened.on('message', (frame: Buffer, isBinary) => void handle(opened, frame, isBinary))
      for (const message of waiting.splice(0)) onMessage(message)
    })
  })
  void client.failed.then(() => socket?.close(INTERNAL_ERROR, 'the Nym client stopped'))

  const port = await listen(server, host, options.port ?? 0).catch(async (error: unknown) => {
    await client.stop()
    throw error
  })
  return {
    port,
    url: `ws://${host.includes(':') ? `[${host}]` : host}:${port}`,
    address: client.address,
    failed: client.failed,
    async stop() {
      for (const open of sockets.clients) open.terminate()
      await closeServer(server)
      await client.stop()
    },
  }
}

async function serve(
  client: WasmClient,
  request: NativeRequest,
  queueLength: () => number,
): Promise<NativeResponse | undefined> {
  switch (request.type) {
    case 'selfAddress':
      return { type: 'selfAddress', address: client.address }
    case 'closedConnection':
      return undefined
    case 'getLaneQueueLength':
      return laneQueueLength(request.connection)
    case 'send':
      await client.send(request.to, request.payload)
      return sent(request.connection)
    case 'sendAnonymous':
      await client.sendAnonymous(request.to, request.payload, request.replySurbs)
      return sent(request.connection)
    case 'reply':
      await client.reply(request.senderTag, request.payload)
      return sent(request.connection)
  }

  function laneQueueLength(lane: bigint): NativeResponse {
    return { type: 'laneQueueLength', lane, queueLength: queueLength() }
  }
  /** A native client answers a message only when it named a connection. */
  function sent(connection: bigint): NativeResponse | undefined {
    return connection === 0n ? undefined : laneQueueLength(connection)
  }
}

function errorResponse(error: unknown): NativeResponse {
  if (error instanceof NativeRequestError) return { type: 'error', kind: error.kind, message: error.message }
  if (error instanceof WasmClientRefusedError && error.reason === 'malformedRecipient') {
    return { type: 'error', kind: ERROR_KINDS.malformedRequest, message: 'malformed recipient' }
  }
  return { type: 'error', kind: ERROR_KINDS.other, message: 'the Nym client refused the message' }
}

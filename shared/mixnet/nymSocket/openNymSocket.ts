import { isIP } from 'node:net'
import { WebSocket } from 'ws'
import type { Link, LinkEvents, OpenLink } from '../link/Link.ts'
import { untilAborted } from '../link/wait.ts'
import { type MixnetAddress, MixnetError } from '../Mixnet.ts'
import { decodeFrame, encodeLaneQueueLength, encodeReply, encodeRequest, encodeSelfAddress } from './codec.ts'

export interface NymSocketAddress {
  /** The native client's websocket. Default `ws://127.0.0.1:1977`. */
  readonly url?: string
  /** The socket knows no password and no encryption: whoever reaches it, or reads along, is the client. Default false. */
  readonly allowUnprotectedRemote?: boolean
  /** Refuses more messages while so many packets wait in the native client. Default 750: 15 s at its default pace. */
  readonly maxLanePackets?: number
}

/** A frame beyond it costs the connection; one beyond maxPayloadBytes only itself. */
const maxFrameBytes = 16_777_216
/** The native client's default pace. */
const packetMs = 20
/** What may wait in the socket for the native client to read. */
const maxBufferedBytes = 16_777_216

/** @throws MixnetError `unsealed` for a host that is not this one, `unreachable` for what is no websocket URL */
export function openNymSocket(options: NymSocketAddress): OpenLink {
  const url = parseUrl(options.url ?? 'ws://127.0.0.1:1977')
  if (!options.allowUnprotectedRemote && !isThisHost(url.hostname)) {
    throw new MixnetError(
      'unsealed',
      'The native client listens on another host, over a socket without password or encryption: pass allowUnprotectedRemote to accept that.',
    )
  }
  return (events, signal) => connect(url, options.maxLanePackets ?? 750, events, signal)
}

async function connect(
  url: URL,
  maxLanePackets: number,
  events: LinkEvents,
  signal: AbortSignal,
): Promise<Link> {
  signal.throwIfAborted()
  const socket = new WebSocket(url, { maxPayload: maxFrameBytes, perMessageDeflate: false })
  socket.binaryType = 'nodebuffer'
  const closed = new Promise<void>((resolve) => socket.on('close', resolve))
  socket.on('close', events.lost)
  let lanePackets = 0

  try {
    const address = await untilAborted(
      new Promise<MixnetAddress>((resolve, reject) => {
        socket.on('error', reject)
        socket.on('close', () => reject(new Error('The native client closed the connection.')))
        socket.on('open', () => socket.send(encodeSelfAddress()))
        socket.on('message', (data: Buffer, isBinary) => {
          const frame = isBinary ? decodeFrame(data) : undefined
          if (frame?.kind === 'selfAddress') resolve(frame.address)
          else if (frame?.kind === 'laneQueueLength') lanePackets = frame.packets
          else if (frame?.kind === 'received') {
            events.receive(
              frame.replyTo ? { payload: frame.payload, replyTo: frame.replyTo } : { payload: frame.payload },
            )
          }
        })
      }),
      signal,
    )
    return {
      address,
      carry(message) {
        if (lanePackets > maxLanePackets) socket.send(encodeLaneQueueLength(), () => {})
        if (lanePackets > maxLanePackets || socket.bufferedAmount > maxBufferedBytes) {
          return Promise.reject(new MixnetError('overloaded', 'The native client does not keep up.'))
        }
        const frame =
          message.kind === 'request'
            ? encodeRequest(message.to, message.payload, message.surbs)
            : encodeReply(message.to, message.payload)
        return new Promise((resolve, reject) => {
          socket.send(frame, (error) => (error ? reject(error) : resolve()))
        })
      },
      async close() {
        socket.terminate()
        await closed
      },
      backlogMs: () => lanePackets * packetMs,
    }
  } catch (error) {
    socket.terminate()
    await closed
    throw error
  }
}

function parseUrl(text: string): URL {
  try {
    const url = new URL(text)
    if (url.protocol === 'ws:' || url.protocol === 'wss:') return url
  } catch {
    // Said below, without the text.
  }
  throw new MixnetError('unreachable', 'The native client is named by a ws:// or wss:// URL.')
}

function isThisHost(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
  )
}

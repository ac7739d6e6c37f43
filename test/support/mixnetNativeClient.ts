import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { base58 } from '@scure/base'
import type { MixnetAddress, SenderTag } from '@veilcast/shared/mixnet'
import type { Loopback } from '@veilcast/shared/mixnet/loopback'
import { type WebSocket, WebSocketServer } from 'ws'

export interface FakeNativeClient {
  readonly url: string
  readonly address: MixnetAddress
  /** Closes the websocket of whoever is connected. */
  cut(): void
  /** Says these bytes to whoever is connected. */
  say(frame: Uint8Array): void
  stop(): Promise<void>
}

/** A native nym-client as its websocket shows it: one address that asks and answers, over the loopback. */
export async function startFakeNativeClient(mixnet: Loopback, port = 0): Promise<FakeNativeClient> {
  const listener = mixnet.listener()
  const dialer = mixnet.dialer()
  await Promise.all([listener.start(), dialer.start()])
  const server = new WebSocketServer({ host: '127.0.0.1', port })
  await once(server, 'listening')
  const kept: Uint8Array[] = []
  let connected: WebSocket | undefined

  const say = (frame: Uint8Array) => {
    if (connected) connected.send(frame)
    else kept.push(frame)
  }
  const pumps = [
    (async () => {
      for await (const { payload, replyTo } of listener.requests()) {
        const tag = replyTo ? [Uint8Array.of(1), base58.decode(replyTo)] : [Uint8Array.of(0)]
        say(Buffer.concat([Uint8Array.of(1), ...tag, u64(payload.length), payload]))
      }
    })(),
    (async () => {
      for await (const payload of dialer.replies())
        say(Buffer.concat([Uint8Array.of(1, 0), u64(payload.length), payload]))
    })(),
  ]

  server.on('connection', (socket) => {
    connected = socket
    for (const frame of kept.splice(0)) say(frame)
    socket.on('close', () => {
      connected = undefined
    })
    socket.on('message', (frame: Buffer) => {
      const kind = frame[0]
      if (kind === 0) void dialer.send(recipientAt(frame, 1), frame.subarray(113), 0)
      if (kind === 1) void dialer.send(recipientAt(frame, 5), frame.subarray(117), frame.readUint32BE(1))
      if (kind === 2)
        void listener.reply(base58.encode(frame.subarray(1, 17)) as SenderTag, frame.subarray(33))
      if (kind === 3) {
        const keys = listener
          .address()
          .split(/[.@]/)
          .map((key) => base58.decode(key))
        say(Buffer.concat([Uint8Array.of(2), ...keys]))
      }
    })
  })

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    address: listener.address(),
    cut: () => connected?.terminate(),
    say,
    async stop() {
      for (const socket of server.clients) socket.terminate()
      server.close()
      await once(server, 'close')
      await Promise.all([listener.stop(), dialer.stop()])
      await Promise.all(pumps)
    },
  }
}

function recipientAt(frame: Uint8Array, offset: number): MixnetAddress {
  const [identity, encryption, gateway] = [0, 32, 64].map((start) =>
    base58.encode(frame.subarray(offset + start, offset + start + 32)),
  )
  return `${identity}.${encryption}@${gateway}` as MixnetAddress
}

function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

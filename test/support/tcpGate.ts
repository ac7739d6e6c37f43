import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that can be cut and mended. */
export interface TcpGate {
  readonly port: number
  /** Ends every connection, and takes no other until `open`. */
  shut(): void
  open(): void
  stop(): Promise<void>
}

/** @param target of the server: the path of its socket */
export async function startTcpGate(target: string): Promise<TcpGate> {
  const sockets = new Set<Socket>()
  let isOpen = true
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((near) => {
    keep(near)
    if (!isOpen) return void near.destroy()
    const far = connect(target)
    keep(far)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    shut() {
      isOpen = false
      cut()
    },
    open() {
      isOpen = true
    },
    async stop() {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

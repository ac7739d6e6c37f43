import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Nothing can listen on the port that was asked for. */
export class PortUnavailableError extends Error {
  override name = 'PortUnavailableError'
  readonly host: string
  readonly port: number

  constructor(host: string, port: number, options: { cause: unknown }) {
    const code = (options.cause as NodeJS.ErrnoException).code
    const why = code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be opened (${code})`
    super(`port ${port} on ${host} ${why}`, options)
    this.host = host
    this.port = port
  }
}

/** Starts a server and returns its port, which for port 0 is a free one. Throws PortUnavailableError. */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: unknown) => reject(new PortUnavailableError(host, port, { cause }))
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
  return (server.address() as AddressInfo).port
}

/** Closes a server together with the connections it still has. */
export async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A node that is far away: each request arrives at it so many milliseconds late. */
export async function startSlowEndpoint(
  targetUrl: string,
  delayMs: number,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const agent = new Agent({ keepAlive: true })
  const server = createServer((asked, answer) => {
    setTimeout(() => {
      const { method, headers } = asked
      const onward = request(targetUrl, { agent, headers, ...(method && { method }) }, (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers)
        got.pipe(answer)
      })
      onward.on('error', () => answer.destroy())
      asked.pipe(onward)
    }, delayMs)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      agent.destroy()
    },
  }
}

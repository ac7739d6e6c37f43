import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Whose every complaint repeats the whole request: its URL, its headers and its body. */
export type EchoMode =
  | 'pass'
  /** A JSON-RPC error with status 200: `message` and `data` repeat it. */
  | 'error'
  /** A page with status 500. */
  | 'page'
  /** Status 200, and no JSON. */
  | 'garbage'
  /** To a URL that holds it. */
  | 'redirect'
  /** None, ever. */
  | 'hang'

export interface EchoingEndpoint {
  /** With a name, a password, and a key in its path and in its query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Each of those, none to be seen by anybody. */
  readonly secrets: readonly string[]
  /** Only calls of these methods; a batch with one of them counts. Default: all. */
  set(mode: EchoMode, methods?: readonly string[]): void
  /** Calls of a method that arrived. */
  calls(method: string): number
  stop(): Promise<void>
}

/** A JSON-RPC proxy on 127.0.0.1 in front of a real node that tells on its clients. */
export async function startEchoingEndpoint(targetUrl: string): Promise<EchoingEndpoint> {
  const secret = (): string => randomBytes(12).toString('hex')
  const [password, pathKey, queryKey, headerKey] = [secret(), secret(), secret(), secret()]
  let mode: EchoMode = 'pass'
  let methods: readonly string[] | undefined
  const counts = new Map<string, number>()

  const server = createServer((request, response) => {
    void readAll(request).then(
      async (body) => {
        const parsed: unknown = JSON.parse(body)
        const calls = (Array.isArray(parsed) ? parsed : [parsed]) as { id: unknown; method: string }[]
        for (const { method } of calls) counts.set(method, (counts.get(method) ?? 0) + 1)
        const echo = `http://me:${password}@127.0.0.1${request.url} ${JSON.stringify(request.headers)} ${body}`
        const hit = methods === undefined || calls.some(({ method }) => methods?.includes(method))
        switch (hit ? mode : 'pass') {
          case 'pass': {
            const headers = { 'content-type': 'application/json' }
            const answer = await fetch(targetUrl, { method: 'POST', headers, body })
            response.writeHead(answer.status, headers).end(await answer.text())
            break
          }
          case 'error': {
            const error = { code: -32_000, message: `rejected: ${echo}`, data: echo }
            const answers = calls.map(({ id }) => ({ jsonrpc: '2.0', id, error }))
            response
              .writeHead(200, { 'content-type': 'application/json' })
              .end(JSON.stringify(Array.isArray(parsed) ? answers : answers[0]))
            break
          }
          case 'page':
            response.writeHead(500, { 'content-type': 'text/html' }).end(`<pre>${echo}</pre>`)
            break
          case 'garbage':
            response.writeHead(200).end(echo)
            break
          case 'redirect':
            response
              .writeHead(307, { location: `/elsewhere?${encodeURIComponent(echo).slice(0, 4000)}` })
              .end()
            break
          case 'hang':
            break
        }
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://me:${password}@127.0.0.1:${port}/${pathKey}?key=${queryKey}`,
    headers: { 'x-api-key': headerKey },
    secrets: [password, pathKey, queryKey, headerKey],
    set(next, only) {
      mode = next
      methods = only
    },
    calls: (method) => counts.get(method) ?? 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function readAll(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}

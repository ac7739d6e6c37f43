import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to a request: see `Fault`. */
export type FaultMode =
  | 'pass'
  | 'hang'
  | 'html'
  | '429'
  | 'half'
  | 'wrongHash'
  | 'madeUpHash'
  | '500'
  | 'close'
  | 'unknownMethod'
  | 'noBatch'

export interface Fault {
  /**
   * `pass` the node's own answer; `hang` none, ever; `html` a page with status 200; `429`; `half` of the node's answer, then the
   * connection ends; `wrongHash` the node's answer with each transaction hash in its place changed; `madeUpHash` a hash out of thin air as
   * the result, as an EVM node would give it; `500` with a page; `close`
   * ends the connection; `unknownMethod` the node's answer, but for the named methods error -32601; `noBatch` one error for
   * a batch, and the node's answer for a single call.
   */
  readonly mode: FaultMode
  /** Only calls of these methods; a batch with one of them counts. Default: all. */
  readonly methods?: readonly string[]
  /** Only requests that hold this text, as a transaction in hex. Default: all. */
  readonly holding?: string
  /** Whether the node gets the request although its answer is spoilt. `half` and `wrongHash` always pass it on. Default false. */
  readonly forward?: boolean
}

export interface FaultyEndpoint {
  /** Its path holds `endpointSecret`, which must turn up nowhere. */
  readonly url: string
  set(fault: Fault): void
  /** Ends the connections of requests that hang. */
  release(): void
  /** Requests that hang. */
  hanging(): number
  /** Calls of a method that arrived, or of all methods; each call of a batch counts. */
  calls(method?: string): number
  /** HTTP requests that arrived. */
  requests(): number
  /** Whether a request with these bytes in it arrived, in hex or base64 and whatever became of it. Looks back over 20 000 requests. */
  had(bytes: Uint8Array): boolean
  /** What arrived, the last 20,000 requests. */
  bodies(): readonly string[]
  /** From now on another node stands behind the URL. */
  retarget(targetUrl: string): void
  stop(): Promise<void>
}

/** Stands for the API key that an operator's URL may hold. */
export const endpointSecret = 'key-5f2c81d09a'

const spoilsAnswer: ReadonlySet<FaultMode> = new Set([
  'pass',
  'half',
  'wrongHash',
  'unknownMethod',
  'noBatch',
])

const noBatches = JSON.stringify({
  jsonrpc: '2.0',
  id: null,
  error: { code: -32600, message: 'batch requests are not supported' },
})

const madeUpHash = `0x${'5a'.repeat(32)}`
const maxBodies = 20_000

const page = '<!doctype html><title>Bad gateway</title><h1>Try again later</h1>'

/** A JSON-RPC proxy on 127.0.0.1 in front of a real node, which can be told to misbehave. */
export async function startFaultyEndpoint(firstTargetUrl: string): Promise<FaultyEndpoint> {
  let targetUrl = firstTargetUrl
  let fault: Fault = { mode: 'pass' }
  let requests = 0
  const bodies: string[] = []
  const counts = new Map<string, number>()
  const hung = new Set<ServerResponse>()

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readAll(request)
    requests++
    bodies.push(body)
    if (bodies.length > maxBodies) bodies.shift()
    const methods = methodsIn(body)
    for (const method of methods) counts.set(method, (counts.get(method) ?? 0) + 1)
    const { mode, forward } = hits(fault, methods, body) ? fault : { mode: 'pass' as const, forward: true }
    const needsAnswer = forward === true || spoilsAnswer.has(mode)
    const answer = needsAnswer ? await forwardTo(targetUrl, body) : { status: 200, text: '' }
    const json = { 'content-type': 'application/json' }
    switch (mode) {
      case 'pass':
        response.writeHead(answer.status, json).end(answer.text)
        break
      case 'wrongHash':
        response.writeHead(answer.status, json).end(spoilHashes(answer.text))
        break
      case 'madeUpHash':
        response.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: madeUpHash }))
        break
      case 'unknownMethod':
        response.writeHead(200, json).end(withoutMethods(body, answer.text, fault.methods ?? []))
        break
      case 'noBatch':
        response.writeHead(200, json).end(body.startsWith('[') ? noBatches : answer.text)
        break
      case 'half': {
        const text = Buffer.from(answer.text)
        response.writeHead(answer.status, { ...json, 'content-length': text.length })
        response.write(text.subarray(0, text.length / 2), () => response.destroy())
        break
      }
      case 'html':
        response.writeHead(200, { 'content-type': 'text/html' }).end(page)
        break
      case '429':
      case '500':
        response.writeHead(Number(mode), { 'content-type': 'text/html' }).end(page)
        break
      case 'close':
        response.destroy()
        break
      case 'hang':
        hung.add(response)
        response.once('close', () => hung.delete(response))
        break
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/${endpointSecret}`,
    set(next) {
      fault = next
    },
    release() {
      for (const response of hung) response.destroy()
    },
    hanging: () => hung.size,
    calls(method) {
      if (method !== undefined) return counts.get(method) ?? 0
      return [...counts.values()].reduce((sum, count) => sum + count, 0)
    },
    requests: () => requests,
    had(bytes) {
      const [hex, base64] = (['hex', 'base64'] as const).map((form) => Buffer.from(bytes).toString(form))
      return bodies.some((body) => body.includes(hex!) || body.includes(base64!))
    },
    bodies: () => bodies,
    retarget(url) {
      targetUrl = url
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function hits(fault: Fault, methods: readonly string[], body: string): boolean {
  if (fault.holding !== undefined && !body.includes(fault.holding)) return false
  return fault.methods === undefined || methods.some((method) => fault.methods?.includes(method))
}

function methodsIn(body: string): string[] {
  const calls: unknown = JSON.parse(body)
  return (Array.isArray(calls) ? calls : [calls]).map(({ method }) => String(method))
}

async function forwardTo(url: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body })
  return { status: response.status, text: await response.text() }
}

function withoutMethods(body: string, answer: string, methods: readonly string[]): string {
  const calls: unknown = JSON.parse(body)
  const answers: unknown = JSON.parse(answer)
  const named = (Array.isArray(calls) ? calls : [calls])
    .filter(({ method }) => methods.includes(method))
    .map(({ id }) => id)
  const spoil = (one: { id: unknown }) =>
    named.includes(one.id)
      ? { jsonrpc: '2.0', id: one.id, error: { code: -32601, message: 'the method does not exist' } }
      : one
  return JSON.stringify(Array.isArray(answers) ? answers.map(spoil) : spoil(answers as { id: unknown }))
}

/** Changes the last digit of each run of 64 hex digits: EVM's are lower case after 0x, Comet's upper case. */
function spoilHashes(text: string): string {
  return text.replace(/(?<=")(0x)?[0-9a-fA-F]{64}(?=")/g, (hash) =>
    hash.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
  )
}

function readAll(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect as showDeep } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from '@jest/globals'
import {
  fetchJsonRpc,
  fetchJsonRpcBatch,
  JsonRpcProblem,
} from '../../../../broadcaster/dist/chains/endpoints/jsonRpc.js'

type Heard = { headers: IncomingMessage['headers']; body: string }
type Reply = (response: ServerResponse, heard: Heard) => void

const secret = 'key-77aa01'
const servers: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

async function startServer(reply: Reply): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const one = { headers: request.headers, body }
    heard.push(one)
    reply(response, one)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  servers.push({
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secret}`, heard }
}

const result = (value: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, result: value })

async function problemOf(asked: Promise<unknown>): Promise<JsonRpcProblem> {
  const problem = await asked.catch((error: unknown) => error)
  expect(problem).toBeInstanceOf(JsonRpcProblem)
  expect(showDeep(problem, { depth: 10, showHidden: true })).not.toContain(secret)
  return problem as JsonRpcProblem
}

describe('fetchJsonRpc', () => {
  it('default: one POST, the same in every call but for method and parameters', async () => {
    const { url, heard } = await startServer((response) => response.end(result({ height: '0x1' })))
    expect(await fetchJsonRpc(url, 'eth_call', [1], { headers: { 'x-key': 'k' } })).toEqual({ height: '0x1' })
    expect(await fetchJsonRpc(url, 'eth_call', [1])).toEqual({ height: '0x1' })
    expect(heard[0]!.body).toBe(heard[1]!.body)
    expect(JSON.parse(heard[0]!.body)).toEqual({ jsonrpc: '2.0', id: 1, method: 'eth_call', params: [1] })
    expect(heard[0]!.headers).toMatchObject({ 'x-key': 'k', 'content-type': 'application/json' })
  })

  it('behavior: a name and password in the URL become an authorization header', async () => {
    const { url, heard } = await startServer((response) => response.end(result(1)))
    await fetchJsonRpc(url.replace('http://', 'http://me:p%40ss@'), 'x', [])
    expect(heard[0]!.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  })

  it('behavior: reads a compressed answer, and keeps its connection for the next call', async () => {
    const ports = new Set<number | undefined>()
    const { url, heard } = await startServer((response) => {
      ports.add(response.req.socket.remotePort)
      response.setHeader('content-encoding', 'gzip').end(gzipSync(result('x'.repeat(100_000))))
    })
    for (let call = 0; call < 3; call++) expect(await fetchJsonRpc(url, 'x', [])).toHaveLength(100_000)
    expect(heard[0]!.headers['accept-encoding']).toBe('gzip')
    expect(ports.size).toBe(1)
  })

  it.each<[string, number | undefined, Reply]>([
    ['rateLimited', 429, (response) => response.writeHead(429).end('slow down')],
    [
      'rateLimited',
      -32005,
      (response) => response.end(`{"id":1,"error":{"code":-32005,"message":"${secret} limit exceeded"}}`),
    ],
    ['httpStatus', 502, (response) => response.writeHead(502).end(`<h1>${secret}</h1>`)],
    ['httpStatus', 403, (response) => response.writeHead(403).end('{}')],
    ['notJson', undefined, (response) => response.end(`<h1>${secret}</h1>`)],
    ['notJson', undefined, (response) => response.end('{"jsonrpc":"2.0","id":1}')],
    ['notJson', undefined, (response) => response.end('[]')],
    ['notJson', undefined, (response) => response.end('null')],
    ['tooLarge', undefined, (response) => response.end(result('x'.repeat(2000)))],
    [
      'tooLarge',
      undefined,
      (response) =>
        response.setHeader('content-encoding', 'gzip').end(gzipSync(result('x'.repeat(1_000_000)))),
    ],
    ['unreachable', undefined, (response) => response.destroy()],
    ['unreachable', undefined, () => {}],
    [
      'unreachable',
      undefined,
      (response) => {
        response.writeHead(200, { 'content-length': 100 })
        response.write('{"jsonrpc"', () => response.destroy())
      },
    ],
    ['unreachable', undefined, (response) => response.writeHead(302, { location: '/elsewhere' }).end()],
  ])('behavior: %s (%s)', async (kind, code, reply) => {
    const { url, heard } = await startServer(reply)
    const problem = await problemOf(fetchJsonRpc(url, 'x', [], { maxResponseBytes: 1000, timeoutMs: 500 }))
    expect({ kind: problem.kind, code: problem.code }).toEqual({ kind, code })
    expect(heard).toHaveLength(1)
  })

  it('behavior: what the node said is there to be classified, and hidden from logs', async () => {
    const error = { code: 3, message: `reverted by ${secret}`, data: `0x08c379a0${secret}` }
    const reply = JSON.stringify({ jsonrpc: '2.0', id: 1, error })
    for (const status of [200, 400, 500]) {
      const { url } = await startServer((response) => response.writeHead(status).end(reply))
      const problem = await problemOf(fetchJsonRpc(url, 'x', []))
      expect(problem).toMatchObject({ kind: 'rpcError', code: 3, trouble: 'none' })
      expect(problem.nodeMessage).toBe(error.message)
      expect(problem.nodeData).toBe(error.data)
      expect(JSON.stringify(problem)).not.toContain(secret)
    }
  })

  it('behavior: an abort rejects with its reason', async () => {
    const { url } = await startServer(() => {})
    const abort = new AbortController()
    const asked = fetchJsonRpc(url, 'x', [], { signal: abort.signal })
    abort.abort()
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('fetchJsonRpcBatch', () => {
  const calls = [
    { method: 'a', params: [] },
    { method: 'b', params: [] },
  ]

  it('default: answers in the order of the calls, each with a result or a problem', async () => {
    const { url } = await startServer((response) =>
      response.end('[{"id":2,"error":{"code":-32601,"message":"no"}},{"id":1,"result":7}]'),
    )
    const [a, b] = await fetchJsonRpcBatch(url, calls)
    expect(a).toEqual({ ok: true, result: 7 })
    expect(b).toMatchObject({ ok: false, problem: { kind: 'rpcError', code: -32601 } })
  })

  it.each([
    ['rpcError', '{"id":null,"error":{"code":-32600,"message":"no batches"}}'],
    ['notJson', '[{"id":1,"result":7}]'],
    ['notJson', '{"id":1,"result":7}'],
  ])('behavior: %s for %s', async (kind, body) => {
    const { url } = await startServer((response) => response.end(body))
    expect((await problemOf(fetchJsonRpcBatch(url, calls))).kind).toBe(kind)
  })
})

import { connect } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { RpcOptions } from '@veilcast/client/rpc'
import { serveRpc } from '@veilcast/client/rpc'
import WebSocket from 'ws'
import { ask, call, type FakeEndpoint, startFakeEndpoint } from '../../support/rpcEndpoint.ts'
import { until } from '../../support/until.ts'

const metaMask = 'chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn'
const token = 'a-token-of-32-letters-and-digits'

describe('the door of the endpoint', () => {
  let fake: FakeEndpoint
  afterEach(() => fake?.endpoint.stop())

  const open = async (options: Partial<RpcOptions> = {}) => {
    fake = await startFakeEndpoint(options)
    return fake.endpoint.port
  }
  const post = (headers: Record<string, string>, path = '/eip155:1') =>
    ask(fake.endpoint, { body: call('eth_chainId'), headers, path })

  it('default: answers under its own names only, so that a name made to point here reads nothing', async () => {
    const port = await open()
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, `LOCALHOST:${port}`])
      expect([host, (await post({ host })).status]).toEqual([host, 200])
    const asked = fake.asked.length
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port + 1}`,
      `127.0.0.1:${port}@evil.example`,
      `0.0.0.0:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
    ]) {
      const { status, headers, json } = await post({ host })
      expect([host, status]).toEqual([host, 403])
      expect(json.error.message).toContain(`127.0.0.1:${port}`)
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
    expect(
      await raw(port, `POST http://evil.example/eip155:1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`),
    ).toMatch(/^HTTP\/1.1 400/)
    expect(await raw(port, 'POST /eip155:1 HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 403/)
    expect(await raw(port, 'POST /eip155:1 HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
    expect(fake.asked).toHaveLength(asked)
  })

  it('error: listens on this machine alone', async () => {
    await open()
    for (const host of ['0.0.0.0', '::', '192.168.1.2', 'localhost'])
      await expect(serveRpc({ client: {} as never, port: 0, hosts: [host as never] })).rejects.toMatchObject({
        errorName: 'invalidArgument',
      })
    await expect(serveRpc({ client: {} as never, port: fake.endpoint.port })).rejects.toMatchObject({
      details: expect.stringContaining('EADDRINUSE'),
    })
  })

  it('behavior: a page is answered only if its origin is on the list, and only it may read the answer', async () => {
    const port = await open({ allowOrigins: ['https://app.example', metaMask] })
    for (const origin of ['https://app.example', metaMask, `http://127.0.0.1:${port}`]) {
      const { status, headers } = await post({ origin })
      expect([origin, status]).toEqual([origin, 200])
      expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'origin' })
      expect(headers['access-control-allow-credentials']).toBeUndefined()
    }
    const asked = fake.asked.length
    for (const origin of [
      'https://evil.example',
      'http://app.example',
      'https://app.example:8443',
      'https://app.example.evil.example',
      'https://APP.example',
      'null',
      '',
      `http://localhost:${port}`,
      'http://127.0.0.1:3000',
      'chrome-extension://ffffffffffffffffffffffffffffffff',
      'moz-extension://4c0d5c1e-0000-4000-8000-000000000000',
      'file://',
    ]) {
      const { status, headers } = await post({ origin })
      expect([origin, status]).toEqual([origin, 403])
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
    expect(fake.asked).toHaveLength(asked)
  })

  it('behavior: a preflight is answered for origins on the list, also from a public page to this machine', async () => {
    await open({ allowOrigins: ['https://app.example'] })
    const preflight = (origin: string) =>
      ask(fake.endpoint, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
          'access-control-request-private-network': 'true',
          'sec-fetch-site': 'cross-site',
        },
      })
    const { status, headers } = await preflight('https://app.example')
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-private-network': 'true',
    })
    expect(headers['access-control-allow-headers']).toContain('authorization')
    const refused = await preflight('https://evil.example')
    expect(refused.status).toBe(403)
    expect(Object.keys(refused.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('behavior: an image, a form or a link of another page asks nothing', async () => {
    const port = await open()
    for (const site of ['cross-site', 'same-site']) {
      for (const [method, path, mode] of [
        ['GET', '/hub-4/broadcast_tx_sync?tx=0x00', 'no-cors'],
        ['GET', '/hub-4/status', 'navigate'],
        ['GET', '/state.json', 'no-cors'],
        ['POST', '/', 'navigate'],
      ] as const) {
        const { status } = await ask(fake.endpoint, {
          method,
          path,
          headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode },
        })
        expect([path, status]).toEqual([path, 403])
      }
    }
    // A link to the page itself, and what someone typed.
    for (const site of ['cross-site', 'none', 'same-origin']) {
      const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', host: `localhost:${port}` }
      expect((await ask(fake.endpoint, { method: 'GET', path: '/', headers })).status).toBe(200)
    }
    expect(fake.asked).toEqual([])
  })

  it('behavior: --allow-extensions lets each extension in, and no page', async () => {
    await open({ allowExtensions: true })
    for (const origin of [metaMask, 'moz-extension://4c0d5c1e-0000-4000-8000-000000000000'])
      expect((await post({ origin })).status).toBe(200)
    for (const origin of ['https://evil.example', 'null', 'chrome-extension://', 'chrome-extension://a/b'])
      expect([origin, (await post({ origin })).status]).toEqual([origin, 403])
  })

  it('behavior: with a token nothing is told without it, in a header or in the path', async () => {
    await open({ token, allowOrigins: ['https://app.example'], allowExtensions: true })
    expect(fake.endpoint.url).toMatch(new RegExp(`/t/${token}$`))
    const bearer = { authorization: `Bearer ${token}` }
    expect((await post(bearer)).status).toBe(200)
    expect((await post({}, `/t/${token}/eip155:1`)).status).toBe(200)
    expect((await ask(fake.endpoint, { method: 'GET', path: `/t/${token}/state.json` })).status).toBe(200)
    // Firefox calls every extension so.
    expect((await post({ origin: 'null' }, `/t/${token}/eip155:1`)).status).toBe(200)
    expect((await post({ origin: 'null' }, '/t/another-token-of-32-letters-and/eip155:1')).status).toBe(403)
    const asked = fake.asked.length
    for (const [headers, path] of [
      [{}, '/eip155:1'],
      [{}, '/state.json'],
      [{}, `/t/${token.slice(0, -1)}/eip155:1`],
      [{}, `/t/${token}x/eip155:1`],
      [{}, '/t//eip155:1'],
      [{ authorization: `Basic ${token}` }, '/eip155:1'],
      [{ authorization: 'Bearer' }, '/eip155:1'],
      // Who shows two shows the one in the path.
      [bearer, '/t/wrong/eip155:1'],
      [{ origin: 'https://app.example' }, '/eip155:1'],
    ] as [Record<string, string>, string][]) {
      const { status, headers: told, text } = await post(headers, path)
      expect([path, status]).toEqual([path, 401])
      expect(told['www-authenticate']).toBe('Bearer')
      expect(text).not.toContain(token)
    }
    expect((await post({ ...bearer, origin: 'https://evil.example' })).status).toBe(403)
    expect(fake.asked).toHaveLength(asked)
    await expect(serveRpc({ client: {} as never, port: 0, token: 'short' })).rejects.toThrow('16 to 256')
  })

  it('error: an entry of the list that is no origin is told at once', async () => {
    await open()
    for (const origin of [
      '*',
      'null',
      'app.example',
      'https://app.example/',
      'https://*.example',
      'ftp://a.b',
      '',
    ])
      await expect(serveRpc({ client: {} as never, port: 0, allowOrigins: [origin] })).rejects.toMatchObject({
        errorName: 'invalidArgument',
      })
  })

  it('behavior: a websocket goes through the same door', async () => {
    const port = await open({ allowOrigins: ['https://app.example'], token })
    const dial = (path: string, headers: Record<string, string>) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
        socket.on('open', () => {
          resolve(101)
          socket.terminate()
        })
        socket.on('unexpected-response', (_, { statusCode }) => {
          resolve(statusCode!)
          socket.terminate()
        })
        socket.on('error', () => undefined)
      })
    const ours = `/t/${token}/eip155:1`
    expect(await dial(ours, { origin: 'https://app.example' })).toBe(101)
    expect(await dial(ours, {})).toBe(101)
    expect(await dial('/eip155:1', { authorization: `Bearer ${token}` })).toBe(101)
    expect(await dial(ours, { origin: 'https://evil.example' })).toBe(403)
    expect(await dial(ours, { host: `evil.example:${port}` })).toBe(403)
    expect(await dial('/eip155:1', {})).toBe(401)
    expect(await dial(`/t/${token}/eip155:5`, {})).toBe(404)
  })

  it('behavior: a body that is too long is refused unread, and one that never comes ends', async () => {
    const port = await open()
    const long = await ask(fake.endpoint, { body: `"${'a'.repeat(2_097_152)}"` }).catch((error) => error)
    // Told, or cut off while it was still sending.
    expect([413, 'EPIPE', 'ECONNRESET']).toContain(long.status ?? long.code)
    const announced = await raw(
      port,
      `POST /eip155:1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 99999999\r\n\r\n{`,
    )
    expect(announced).toMatch(/^HTTP\/1.1 413/)
    const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`
    const chunked = await raw(
      port,
      `POST /eip155:1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(33)}`,
    )
    expect(chunked).toMatch(/^HTTP\/1.1 413/)
    expect(fake.asked).toEqual([])
    expect((await post({})).status).toBe(200)
  })

  it('behavior: who sends its headers slowly is cut off, while others are answered', async () => {
    const port = await open()
    const slow = raw(port, `POST /eip155:1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Slow: `)
    expect((await post({})).status).toBe(200)
    expect(await slow).toMatch(/^(HTTP\/1.1 408|$)/)
  }, 30_000)

  it('behavior: connections beyond the limit are closed, and there is room again once others leave', async () => {
    const port = await open()
    const held = Array.from({ length: 128 }, () => connect(port, '127.0.0.1'))
    await until(() => held.every((socket) => !socket.connecting))
    await expect(post({})).rejects.toThrow()
    for (const socket of held) socket.destroy()
    await until(() =>
      post({}).then(
        ({ status }) => status === 200,
        () => false,
      ),
    )
  })
})

/** Bytes as they are, and what comes back until the connection ends or the answer is there. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let told = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => {
      told += chunk
      if (told.includes('\r\n\r\n')) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(told))
  })
}

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Browser, chromium } from 'playwright-core'
import { chromiumPath, describeInChromium } from '../../support/chromium.ts'
import { ask, call, type FakeEndpoint, startFakeEndpoint } from '../../support/rpcEndpoint.ts'

const address = 'cosmos1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5lzv7xu'
const traffic = { messagesUp: 0, messagesDown: 0, packetsUp: 0, surbs: 0, lastReplyAtMs: undefined }

describe('the page of the endpoint', () => {
  let fake: FakeEndpoint
  beforeAll(async () => {
    fake = await startFakeEndpoint({ transport: 'nym-wasm', traffic: () => traffic })
  })
  afterAll(() => fake.endpoint.stop())
  const get = (path: string) => ask(fake.endpoint, { method: 'GET', path })

  it('default: one page whose policy names its own style and script, and nothing else', async () => {
    const { status, headers, text } = await get('/')
    expect(status).toBe(200)
    expect(headers['x-frame-options']).toBe('DENY')
    const hashOf = (tag: string) =>
      createHash('sha256')
        .update(new RegExp(`<${tag}>([^]*)</${tag}>`).exec(text)![1]!)
        .digest('base64')
    expect(String(headers['content-security-policy']).split('; ')).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${hashOf('style')}'`,
      `script-src 'sha256-${hashOf('script')}'`,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
  })

  it('default: its state counts calls by method, what memory answered, and what it cost; it names nobody', async () => {
    fake.answers(({ method }) => {
      if (method === 'eth_getBalance') traffic.messagesDown += 1
      if (method === 'eth_call') throw new Error('no')
      return 1
    })
    for (const method of ['eth_getBalance', 'eth_chainId', 'eth_chainId', 'eth_call'])
      await ask(fake.endpoint, { body: call(method) })
    await get(`/hub-4/cosmos/bank/v1beta1/balances/${address}`)
    await get(`/hub-4/ibc/apps/transfer/v1/denom_traces/${'AB12'.repeat(16)}`)
    await ask(fake.endpoint, { body: call(`eth_call ${address}`) })
    const { json, text } = await get('/state.json')
    expect(text).not.toContain(address)
    expect(json).toMatchObject({
      transport: 'nym-wasm',
      broadcaster: { roundTripMs: expect.any(Number) },
      chains: [
        { chain: 'eip155:1', path: '/1', live: true, height: '7' },
        { chain: 'cosmos:hub-4', path: '/hub-4' },
      ],
      calls: [
        { chain: 'eip155:1', method: 'eth_getBalance', asked: 1, fromMemory: 0, failed: 0, inFlight: 0 },
        { method: 'eth_chainId', asked: 2, fromMemory: 2 },
        { method: 'eth_call', asked: 1, fromMemory: 0, failed: 1 },
        { chain: 'cosmos:hub-4', method: '/cosmos/bank/v1beta1/balances/…' },
        { method: '/ibc/apps/transfer/v1/denom_traces/…' },
        { method: 'other' },
      ],
      traffic: { messagesUp: 0, messagesDown: 1, packetsUp: 0, surbs: 0 },
    })
  })

  it('behavior: methods that nobody has heard of do not grow it', async () => {
    fake.answers(() => 1)
    const batch = (from: number) => Array.from({ length: 100 }, (_, index) => call(`m_${from + index}`))
    await ask(fake.endpoint, { body: batch(0) })
    await ask(fake.endpoint, { body: batch(100) })
    const { json } = await get('/state.json')
    expect(json.calls.length).toBeLessThan(70)
    expect(json.calls.find(({ method }: { method: string }) => method === 'other').asked).toBeGreaterThan(130)
  })
})

describeInChromium('the page in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox'] })
  })
  afterAll(() => browser?.close())

  it('default: shows its state under its own policy, and asks for nothing but state.json', async () => {
    const fake = await startFakeEndpoint({ token: 'a-token-of-32-letters-and-digits', transport: 'nym-wasm' })
    const view = await browser.newPage()
    try {
      const complaints: string[] = []
      const asked: string[] = []
      view.on('console', (message) => complaints.push(message.text()))
      view.on('pageerror', (error) => complaints.push(String(error)))
      view.on('request', (request) => asked.push(new URL(request.url()).pathname.replace(/^\/t\/[^/]+/, '')))
      await ask(fake.endpoint, { path: '/t/a-token-of-32-letters-and-digits/1', body: call('eth_chainId') })
      await view.goto(`${fake.endpoint.url}/`)
      await view.getByText('Connected through the mixnet').waitFor()
      await view.getByRole('cell', { name: 'eth_chainId' }).waitFor()
      expect(await view.locator('#chains').innerText()).toContain('eip155:1')
      expect(complaints).toEqual([])
      expect([...new Set(asked)]).toEqual(['/', '/state.json'])

      await view.goto(`http://127.0.0.1:${fake.endpoint.port}/`)
      await view.getByText('Open this page under /t/<token>/').waitFor()
      await fake.endpoint.stop()
      await view.getByText('The endpoint is not running').waitFor()
    } finally {
      await view.close()
      await fake.endpoint.stop()
    }
  })

  it('behavior: another page of the browser reads nothing, asks nothing and frames nothing', async () => {
    const fake = await startFakeEndpoint()
    const hostile = await startFakeEndpoint()
    const view = await browser.newPage()
    try {
      await view.goto(`http://localhost:${hostile.endpoint.port}/`)
      await view.route('**/empty', (route) => route.fulfill({ body: 'hello', contentType: 'text/html' }))
      await view.goto(`http://localhost:${hostile.endpoint.port}/empty`)
      const url = `http://127.0.0.1:${fake.endpoint.port}`
      const results = await view.evaluate(async (url) => {
        const tell = (promise: Promise<unknown>) =>
          promise.then(
            () => 'reached',
            () => 'refused',
          )
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_accounts' })
        const socket = new Promise((resolve) => {
          const opening = new WebSocket(`${url.replace('http', 'ws')}/1`)
          opening.onopen = () => resolve('reached')
          opening.onerror = () => resolve('refused')
        })
        const image = new Image()
        await new Promise((resolve) => {
          image.onerror = resolve
          image.onload = resolve
          image.src = `${url}/hub-4/broadcast_tx_sync?tx=0x00`
        })
        return {
          cors: await tell(fetch(`${url}/1`, { method: 'POST', body })),
          json: await tell(
            fetch(`${url}/1`, { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
          ),
          noCors: await tell(
            fetch(`${url}/1`, { method: 'POST', body, mode: 'no-cors' }).then(() => undefined),
          ),
          socket: await socket,
        }
      }, url)
      // The answer of no-cors is opaque: it says nothing, and what it asked was refused.
      expect(results).toMatchObject({ cors: 'refused', json: 'refused', socket: 'refused' })
      expect(fake.asked).toEqual([])
    } finally {
      await view.close()
      await fake.endpoint.stop()
      await hostile.endpoint.stop()
    }
  })
})

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { VeilcastError } from '@veilcast/client'
import { ask, call, type FakeEndpoint, startFakeEndpoint } from '../../support/rpcEndpoint.ts'
import { until } from '../../support/until.ts'

describe('JSON-RPC over HTTP', () => {
  let fake: FakeEndpoint
  beforeEach(async () => {
    fake = await startFakeEndpoint()
  })
  afterEach(() => fake.endpoint.stop())

  const post = (body: unknown, path?: string) => ask(fake.endpoint, { body, ...(path ? { path } : {}) })

  it('default: a call is answered under its id, by the chain that the path names', async () => {
    const { status, json, headers } = await post(call('eth_getBalance', ['0xab', 'latest'], 'x'))
    expect(status).toBe(200)
    expect(json).toEqual({ jsonrpc: '2.0', id: 'x', result: 'answer to eth_getBalance' })
    expect(headers['content-type']).toBe('application/json')
    expect(fake.asked).toMatchObject([
      { chain: 'eip155:1', method: 'eth_getBalance', params: ['0xab', 'latest'] },
    ])
    for (const path of ['/1', '/eip155%3A1', '/eip155:1/'])
      expect((await post(call('eth_chainId'), path)).json.result).toBe('answer to eth_chainId')
    expect((await post(call('status', {}), '/hub-4')).json.result).toBe('answer to status')
    expect(fake.infos.count).toBe(1)
  })

  it('behavior: a batch is asked in one go and answered in order; what has no id is not answered', async () => {
    let underWay = 0
    let most = 0
    fake.answers(async ({ method }) => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay -= 1
      return method
    })
    const { json } = await post([call('a', [], 1), { jsonrpc: '2.0', method: 'b' }, 7, call('c', [], null)])
    expect(json).toEqual([
      { jsonrpc: '2.0', id: 1, result: 'a' },
      { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'Invalid request: it is no object.' } },
      { jsonrpc: '2.0', id: null, result: 'c' },
    ])
    expect(most).toBe(3)
    const silent = await post([{ jsonrpc: '2.0', method: 'b' }])
    expect(silent).toMatchObject({ status: 204, text: '' })
  })

  it.each([
    ['{', -32700],
    ['', -32700],
    ['[1,', -32700],
    [`${'['.repeat(65)}${']'.repeat(65)}`, -32700],
    [`{"method":"a","params":[${'{"a":'.repeat(64)}1${'}'.repeat(64)}],"id":1}`, -32700],
    ['[]', -32600],
    ['null', -32600],
    ['"eth_chainId"', -32600],
    ['{"jsonrpc":"2.0","id":1}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":""}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":5}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"a","params":"b"}', -32600],
    ['{"jsonrpc":"2.0","id":{},"method":"a"}', -32600],
    [JSON.stringify(Array.from({ length: 101 }, () => call('a'))), -32600],
  ])('error: %s is told %s, and no chain is asked', async (body, code) => {
    const { status, json } = await post(body)
    expect(status).toBe(200)
    expect(json).toMatchObject({ jsonrpc: '2.0', error: { code } })
    expect(fake.asked).toEqual([])
  })

  it('behavior: what is deep inside a text is no depth', async () => {
    const params = ['['.repeat(500), '\\"['.repeat(100)]
    await post(call('a', params))
    expect(fake.asked[0]!.params).toEqual(params)
  })

  it('error: an error says what it is in the terms of the chain, and keeps what a contract reverted with', async () => {
    fake.answers(({ method }) => {
      if (method === 'revert')
        throw Object.assign(new Error('execution reverted', { cause: new VeilcastError('readFailed') }), {
          code: 3,
          data: '0x08c379a0',
        })
      if (method === 'bug') throw new TypeError('/home/me/secret.ts')
      if (method === 'system') throw Object.assign(new Error('connect 10.1.2.3'), { code: 'ECONNREFUSED' })
      throw new VeilcastError('replyTimeout', { outcome: 'notSent', values: { waitedMs: 60_000 } })
    })
    expect((await post(call('revert'))).json.error).toEqual({
      code: 3,
      message: 'execution reverted',
      data: '0x08c379a0',
    })
    expect((await post(call('late'))).json.error).toEqual({
      code: -32002,
      message: 'No answer came within 60000 ms.',
      data: {
        name: 'replyTimeout',
        outcome: 'notSent',
        retry: 'sameRequest',
        docs: 'docs/errors.md#replytimeout',
      },
    })
    // Go's client of CometBFT reads a text there, and fails on anything else.
    expect(typeof (await post(call('late', {}), '/hub-4')).json.error.data).toBe('string')
    for (const method of ['bug', 'system']) {
      const { text, json } = await post(call(method))
      expect(json.error).toMatchObject({ code: -32000, data: { name: 'internal' } })
      expect(text).not.toMatch(/secret|10\.1\.2\.3/)
    }
  })

  it('error: a chain that is not served is 404, and what is served is told', async () => {
    for (const path of [
      '/eip155:5',
      '/constructor',
      '/%E0%A4%A',
      '/eip155:1/cosmos/bank',
      '/hub-4/no_such',
    ]) {
      const { status, json } = await post(call('eth_chainId'), path)
      expect(status).toBe(404)
      expect(json.error.message).toEqual(expect.any(String))
    }
    const { json } = await post(call('eth_chainId'), '/eip155:5')
    expect(json.error).toMatchObject({ code: -32001, data: { served: ['eip155:1', 'cosmos:hub-4'] } })
    expect(fake.asked).toEqual([])
  })

  it('behavior: two chains with one reference are told apart by their whole ids', async () => {
    fake.serves(async () => ['eip155:1', 'cosmos:1'])
    expect((await post(call('eth_chainId'), '/1')).status).toBe(404)
    expect((await post(call('eth_chainId'), '/eip155:1')).status).toBe(200)
    expect((await fake.endpoint.urls()).map(({ url }) => url.replace(/:\d+\//, '/'))).toEqual([
      'http://127.0.0.1/eip155:1',
      'http://127.0.0.1/cosmos:1',
    ])
  })

  it('behavior: while the broadcaster is away a call is told so, and it works again by itself', async () => {
    fake.serves(async () => {
      throw new VeilcastError('replyTimeout', { outcome: 'notSent' })
    })
    const { status, json } = await post(call('eth_chainId'))
    expect(status).toBe(503)
    expect(json.error.data).toMatchObject({ name: 'replyTimeout', outcome: 'notSent' })
    fake.serves(async () => ['eip155:1'])
    expect((await post(call('eth_chainId'))).json.result).toBe('answer to eth_chainId')
  })

  it('behavior: a page that goes away ends its read, and not what it sends', async () => {
    fake.answers(() => new Promise(() => undefined))
    for (const method of ['eth_call', 'eth_sendRawTransaction']) {
      const leaving = new AbortController()
      const gone = ask(fake.endpoint, { body: call(method), signal: leaving.signal })
      await until(() => fake.asked.at(-1)?.method === method)
      leaving.abort()
      await expect(gone).rejects.toThrow()
    }
    const [read, sent] = fake.asked
    await until(() => read!.signal!.aborted)
    expect(sent!.signal).toBeUndefined()
  })

  it('error: more calls at once than there is room for are refused, and the others are answered', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    fake.answers(async () => {
      await released
      return 1
    })
    const batch = Array.from({ length: 100 }, (_, id) => call('eth_call', [], id))
    const batches = Array.from({ length: 6 }, () => post(batch))
    await until(() => fake.asked.length === 512)
    release()
    const answers = (await Promise.all(batches)).flatMap(({ json }) => json)
    expect(answers.filter(({ result }) => result === 1)).toHaveLength(512)
    expect(answers.filter(({ error }) => error?.data.name === 'tooManyPending')).toHaveLength(88)
  })

  it('error: other methods of HTTP are told which is meant', async () => {
    const { status, headers, json } = await ask(fake.endpoint, { method: 'GET' })
    expect([status, headers.allow]).toEqual([405, 'POST'])
    expect(json.error.message).toContain('eip155:1')
  })
})

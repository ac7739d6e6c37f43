import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { VeilcastError } from '@veilcast/client'
import { ask, call, type FakeEndpoint, startFakeEndpoint } from '../../support/rpcEndpoint.ts'

describe('a Cosmos chain', () => {
  let fake: FakeEndpoint
  beforeEach(async () => {
    fake = await startFakeEndpoint()
  })
  afterEach(() => fake.endpoint.stop())

  const get = (path: string, headers: Record<string, string> = {}) =>
    ask(fake.endpoint, { method: 'GET', path: `/cosmos:hub-4${path}`, headers })

  it('default: CometBFT by JSON-RPC, with arguments by name or by place', async () => {
    for (const [path, params] of [
      ['/hub-4', { path: '/a', data: 'ff' }],
      ['/hub-4/', ['/a', 'ff']],
      ['/hub-4/rpc', ['/a', 'ff']],
    ] as const) {
      const { json } = await ask(fake.endpoint, { path, body: call('abci_query', params, 3) })
      expect(json).toEqual({ jsonrpc: '2.0', id: 3, result: 'answer to abci_query' })
      expect(fake.asked.at(-1)!.params).toEqual({ path: '/a', data: 'ff' })
    }
    const { json } = await ask(fake.endpoint, { path: '/hub-4', body: call('status', [1]) })
    expect(json.error.code).toBe(-32602)
  })

  it.each([
    ['/status', 'status', {}],
    ['/rpc/status', 'status', {}],
    ['/status?unknown=1', 'status', {}],
    ['/block?height=5', 'block', { height: '5' }],
    ['/block?height="5"', 'block', { height: '5' }],
    ['/block?height=', 'block', {}],
    [
      '/abci_query?path="/store/bank/key"&data=0xFF00&prove=false&height=7',
      'abci_query',
      { path: '/store/bank/key', data: 'ff00', prove: false, height: '7' },
    ],
    ['/abci_query?path=%22%2Fa%22&data=%22ab%22', 'abci_query', { path: '/a', data: '6162' }],
    ['/tx?hash=0x00ff&prove=true', 'tx', { hash: 'AP8=', prove: true }],
    ['/header_by_hash?hash=0x00ff', 'header_by_hash', { hash: '00ff' }],
    [
      `/tx_search?query="tx.height=5 AND a='b'"&per_page=2`,
      'tx_search',
      { query: "tx.height=5 AND a='b'", per_page: '2' },
    ],
    ['/broadcast_tx_sync?tx="ab"', 'broadcast_tx_sync', { tx: 'YWI=' }],
  ])('default: GET %s asks for %s', async (path, method, params) => {
    const { status, json } = await get(path.replaceAll(' ', '%20'))
    expect(status).toBe(200)
    expect(json).toEqual({ jsonrpc: '2.0', id: -1, result: `answer to ${method}` })
    expect(fake.asked).toMatchObject([{ chain: 'cosmos:hub-4', method, params }])
  })

  it.each([
    '/block?height=five',
    '/block?height=0x5',
    '/tx?hash=ABCDEF',
    '/tx?hash=0xabc',
    '/abci_query?path=/a',
    '/abci_query?path="a"b"',
    '/tx?hash=0xab&prove=1',
  ])('error: GET %s is told what is wrong, and asks nothing', async (path) => {
    const { status, json } = await get(path)
    expect(status).toBe(500)
    expect(json).toMatchObject({ id: -1, error: { code: -32602, message: expect.stringContaining('is ') } })
    expect(fake.asked).toEqual([])
  })

  it('default: REST, with its query and its body as they came', async () => {
    const { status, json } = await get('/cosmos/bank/v1beta1/balances/cosmos1abc?pagination.limit=10&a=%20')
    expect([status, json]).toEqual([200, 'answer to GET /cosmos/bank/v1beta1/balances/cosmos1abc'])
    await get('/ibc/core/client/v1/params')
    const body = { tx_bytes: 'AA==', mode: 'BROADCAST_MODE_SYNC' }
    await ask(fake.endpoint, { path: '/hub-4/cosmos/tx/v1beta1/txs', body })
    expect(fake.asked.map(({ method, params }) => [method, params])).toEqual([
      [
        'GET /cosmos/bank/v1beta1/balances/cosmos1abc',
        { query: 'pagination.limit=10&a=%20', body: undefined },
      ],
      ['GET /ibc/core/client/v1/params', { query: undefined, body: undefined }],
      ['POST /cosmos/tx/v1beta1/txs', { query: undefined, body }],
    ])
    // What is sent is not ended by a page that goes away.
    expect(fake.asked.map(({ signal }) => signal !== undefined)).toEqual([true, true, false])
  })

  it('error: an error of REST has the status and the form that a node of the SDK gives it', async () => {
    for (const [name, status, code] of [
      ['replyTimeout', 504, 4],
      ['methodNotAllowed', 501, 12],
      ['invalidParams', 400, 3],
      ['insufficientFunds', 400, 9],
      ['mixnetUnavailable', 503, 14],
    ] as const) {
      fake.answers(() => {
        throw new VeilcastError(name)
      })
      const told = await get('/cosmos/bank/v1beta1/params')
      expect([name, told.status]).toEqual([name, status])
      expect(told.json).toMatchObject({ code, message: expect.any(String), details: [{ name }] })
    }
    const path = '/hub-4/cosmos/tx/v1beta1/simulate'
    expect((await ask(fake.endpoint, { path, body: '{' })).json).toMatchObject({ code: 3 })
    // An answer about another height than was asked for would be a lie.
    expect((await get('/cosmos/bank/v1beta1/params', { 'x-cosmos-block-height': '5' })).status).toBe(400)
    expect((await ask(fake.endpoint, { method: 'DELETE', path })).status).toBe(405)
  })
})

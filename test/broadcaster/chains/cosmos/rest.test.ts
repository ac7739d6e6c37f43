import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { ChainAdapter } from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import { parseRest } from '../../../../broadcaster/dist/chains/cosmos/restPaths.js'
import { askChain, readError } from '../../../support/askChain.ts'
import { cosmosAdapterOf } from '../../../support/cosmosAdapter.ts'
import { type FakeComet, startFakeComet } from '../../../support/fakeComet.ts'
import { until } from '../../../support/until.ts'

const address = 'cosmos1cyyzpxplxdzkeea7kwsydadg87357qnalx9dqz'
const validator = 'cosmosvaloper1cyyzpxplxdzkeea7kwsydadg87357qnalx9dqz'
const hash = 'AB'.repeat(32)

const nameOf = (params: unknown) => {
  try {
    return parseRest(params).request
  } catch (error) {
    return (error as { error: { number: number } }).error.number
  }
}
const methodNotAllowed = 120
const invalidParams = 121

describe('paths', () => {
  it.each([
    `/cosmos/auth/v1beta1/accounts/${address}`,
    `/cosmos/bank/v1beta1/balances/${address}`,
    `/cosmos/bank/v1beta1/spendable_balances/${address}`,
    `/cosmos/bank/v1beta1/denoms_metadata/ibc/${hash}`,
    `/cosmos/staking/v1beta1/delegations/${address}`,
    `/cosmos/staking/v1beta1/delegators/${address}/unbonding_delegations`,
    `/cosmos/staking/v1beta1/validators/${validator}`,
    `/cosmos/distribution/v1beta1/delegators/${address}/rewards`,
    '/cosmos/gov/v1/proposals/7/tally',
    `/cosmos/gov/v1beta1/proposals/7/votes/${address}`,
    '/cosmos/mint/v1beta1/inflation',
    `/ibc/apps/transfer/v1/denom_traces/${hash}`,
    '/ibc/core/channel/v1/channels/channel-141/ports/transfer/client_state',
    '/cosmos/base/tendermint/v1beta1/blocks/latest',
    `/cosmos/tx/v1beta1/txs/${hash}`,
    '/feemarket/v1/gas_price/uatom',
  ])('%s is asked as it is', (path) => {
    expect(nameOf({ path })).toEqual({ method: 'GET', path, query: '' })
  })

  it.each([
    '/cosmos/tx/v1beta1/txs',
    '/cosmos/base/tendermint/v1beta1/validatorsets/latest',
    '/cosmos/auth/v1beta1/accounts',
    '//evil.example/cosmos/bank/v1beta1/params',
    'http://evil.example/cosmos/bank/v1beta1/params',
    '/cosmos/bank/v1beta1/params/../../../../status',
    '/cosmos/bank/v1beta1/denoms_metadata/a/../../params',
    '/cosmos/bank/v1beta1/denoms_metadata/a//b',
    '/cosmos/bank/v1beta1/denoms_metadata/%2e%2e',
    '/cosmos/bank/v1beta1/denoms_metadata/ibc%2FAB',
    '/cosmos/bank/v1beta1/params?x=1',
    '/cosmos/bank/v1beta1/params#x',
    '/cosmos/bank/v1beta1/params\r\nx-evil: 1',
    '/cosmos/bank/v1beta1/params ',
    '/cosmos/bank/v1beta1/params\\..',
    '@evil.example/cosmos/bank/v1beta1/params',
    '/metrics',
  ])('%j is not allowed', (path) => {
    expect(nameOf({ path })).toBe(methodNotAllowed)
  })

  it('a contract’s query goes on in letters that need no escape', () => {
    const contract = `/cosmwasm/wasm/v1/contract/${address}/smart/`
    const asked = Buffer.from('{"a":"???>>>"}')
    const sent = nameOf({ path: contract + encodeURIComponent(asked.toString('base64')) })
    expect(sent).toMatchObject({ path: expect.stringMatching(/^[A-Za-z0-9/_=-]+$/) })
    const segment = (sent as { path: string }).path.slice(contract.length)
    expect(Buffer.from(segment, 'base64url')).toEqual(asked)
    expect(nameOf({ path: `${contract}%2e%2e%2f` })).toBe(invalidParams)
  })

  it('queries are of known keys, in one order, and bounded', () => {
    const path = '/cosmos/staking/v1beta1/validators'
    const query = 'status=BOND_STATUS_BONDED&pagination.limit=200&pagination.key=AB%2B%2FCD%3D%3D'
    expect(nameOf({ path, query })).toEqual({
      method: 'GET',
      path,
      query: 'pagination.key=AB%2B%2FCD%3D%3D&pagination.limit=200&status=BOND_STATUS_BONDED',
    })
    for (const bad of [
      'pagination.limit=1001',
      'pagination.limit=-1',
      'pagination.offset=100001',
      'height=1',
      'status=a&status=b',
      'denom=a%0d%0ab',
      'denom=a b',
      'x'.repeat(2_049),
      'denom=a#b',
    ]) {
      expect([bad, nameOf({ path, query: bad })]).toEqual([bad, invalidParams])
    }
  })

  it('only a simulation has a body', () => {
    const body = { tx_bytes: 'AAAA' }
    expect(nameOf({ path: '/cosmos/tx/v1beta1/simulate', body })).toMatchObject({ method: 'POST', body })
    expect(nameOf({ path: '/cosmos/tx/v1beta1/simulate' })).toBe(invalidParams)
    expect(nameOf({ path: '/cosmos/tx/v1beta1/simulate', body: { tx: {} } })).toBe(invalidParams)
    expect(nameOf({ path: '/cosmos/bank/v1beta1/params', body })).toBe(invalidParams)
    expect(nameOf({ path: '/cosmos/tx/v1beta1/txs', body })).toBe(methodNotAllowed)
  })
})

describe('a REST API that misbehaves', () => {
  const secret = 'key-in-the-path-71'
  let comet: FakeComet
  let adapter: ChainAdapter
  let handle: (request: IncomingMessage, response: ServerResponse) => void
  const asked: { url: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    if (request.url?.includes('/node_info')) {
      response.end(JSON.stringify({ default_node_info: { network: 'fake-1' } }))
      return
    }
    asked.push({ url: request.url ?? '', headers: request.headers })
    handle(request, response)
  })
  beforeAll(async () => {
    comet = await startFakeComet('0.38')
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const restUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${secret}/?token=t0ken`
    const endpoints = [
      { id: 'rpc-only', url: comet.url },
      { id: 'both', url: `${comet.url}/`, restUrl, headers: { 'x-key': 'header-secret' } },
    ]
    adapter = cosmosAdapterOf([], { endpoints })
    await adapter.start()
    await until(() => adapter.endpoints().every(({ live }) => live))
  })
  afterEach(() => {
    asked.length = 0
    comet.addBlock()
  })
  afterAll(async () => {
    await adapter.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await comet.stop()
  })

  const path = '/cosmos/bank/v1beta1/params'
  const json = (status: number, body: unknown) => {
    handle = (_, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
  }
  const ask = (query = `denom=d${Math.random().toString(36).slice(2)}`) =>
    askChain(adapter, 'rest', { path, query })

  it('default: the endpoint that has one is asked, of the newest block, with its own key', async () => {
    json(200, { params: {} })
    expect(await ask('denom=a')).toEqual({ status: 200, body: { params: {} } })
    expect(await ask('denom=a')).toEqual({ status: 200, body: { params: {} } })
    expect(asked).toMatchObject([
      {
        url: `/${secret}${path}?token=t0ken&denom=a`,
        headers: { 'x-cosmos-block-height': expect.stringMatching(/^\d+$/), 'x-key': 'header-secret' },
      },
    ])
  })

  it('behavior: what the application says of a query comes along, and nothing that holds the URL', async () => {
    json(404, { code: 5, message: 'account not found', details: [{ secret }] })
    expect(await ask()).toEqual({ status: 404, body: { code: 5, message: 'account not found', details: [] } })
    json(400, { code: 3, message: `bad request to /${secret}/x`, details: [] })
    expect(await ask()).toEqual({ status: 400, body: { code: 3, message: '', details: [] } })
    json(403, { message: `no route for ${secret}` })
    expect(await ask()).toEqual(['readFailed', 403n])
  })

  it('behavior: pages, redirects and answers that are too long', async () => {
    handle = (_, response) => response.writeHead(502).end(`<h1>${secret}</h1>`)
    expect(await ask()).toEqual(['noLiveEndpoint'])
    handle = (_, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' }).end()
    expect(await ask()).toEqual(['noLiveEndpoint'])
    json(200, { long: 'x'.repeat(70_000) })
    expect(await ask()).toEqual(['answerTooLarge', expect.any(BigInt), 65_536n])
    json(200, { long: 'x'.repeat(2_000_000) })
    expect(await ask()).toEqual(['answerTooLarge', 1_048_576n, 65_536n])
    expect(adapter.endpoints().map(({ live }) => live)).toEqual([true, true])
  })

  it('behavior: a node that does not have the block yet is asked for its newest, for this one wallet', async () => {
    handle = ({ headers }, response) => {
      const early = headers['x-cosmos-block-height'] !== undefined
      response
        .writeHead(early ? 500 : 200)
        .end(early ? '{"code":2,"message":"invalid height","details":[]}' : '{"params":{}}')
    }
    expect(await ask('denom=b')).toMatchObject({ status: 200 })
    const before = asked.length
    expect(await ask('denom=b')).toMatchObject({ status: 200 })
    expect(asked.length).toBeGreaterThan(before)
  })

  it('behavior: an API of another chain is not asked', async () => {
    const other = await startFakeComet('0.38', 'other-1')
    const foreign = cosmosAdapterOf([], {
      chain: 'cosmos:other-1',
      endpoints: [
        { id: 'a', url: other.url, restUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
      ],
    })
    await foreign.start()
    try {
      expect(await readError(foreign, 'rest', { path })).toBe('noLiveEndpoint')
      expect(asked).toEqual([])
    } finally {
      await foreign.stop()
      await other.stop()
    }
  })
})

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import WebSocket from 'ws'
import { call, type FakeEndpoint, startFakeEndpoint } from '../../support/rpcEndpoint.ts'
import { until } from '../../support/until.ts'

interface Line {
  readonly socket: WebSocket
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it as it likes
  readonly heard: any[]
  readonly closed: Promise<number>
  send(message: unknown): void
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it as it likes
  ask(method: string, params?: unknown, id?: number): Promise<any>
}

describe('the endpoint over a websocket', () => {
  let fake: FakeEndpoint
  let lines: Line[]
  beforeEach(async () => {
    fake = await startFakeEndpoint()
    lines = []
  })
  afterEach(async () => {
    for (const { socket } of lines) socket.terminate()
    await fake.endpoint.stop()
  })

  const dial = async (path = '/eip155:1'): Promise<Line> => {
    const socket = new WebSocket(`ws://127.0.0.1:${fake.endpoint.port}${path}`)
    const heard: Line['heard'] = []
    socket.on('message', (bytes) => heard.push(JSON.parse(String(bytes))))
    socket.on('error', () => undefined)
    const closed = new Promise<number>((resolve) => socket.on('close', resolve))
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
    const send = (message: unknown) =>
      socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    let lastId = 100
    const line: Line = {
      socket,
      heard,
      closed,
      send,
      async ask(method, params, id = ++lastId) {
        send(call(method, params, id))
        await until(() => heard.some((message) => message.id === id))
        return heard.find((message) => message.id === id)
      },
    }
    lines.push(line)
    return line
  }

  it('default: calls, batches and bad JSON as over HTTP', async () => {
    const line = await dial()
    expect(await line.ask('eth_chainId')).toMatchObject({ result: 'answer to eth_chainId' })
    line.send([call('a', [], 1), call('b', [], 2)])
    line.send('{')
    line.send({ jsonrpc: '2.0', method: 'c' })
    await until(() => line.heard.length === 3)
    const [batch] = line.heard.filter(Array.isArray)
    expect(batch).toMatchObject([{ id: 1, result: 'answer to a' }, { id: 2 }])
    expect(line.heard).toContainEqual(expect.objectContaining({ id: null, error: expect.anything() }))
  })

  it('default: eth_subscribe tells its id first, then what is heard, until eth_unsubscribe', async () => {
    const line = await dial('/1/ws')
    const { result: heads } = await line.ask('eth_subscribe', ['newHeads'])
    const filter = { address: `0x${'11'.repeat(20)}` }
    const { result: logs } = await line.ask('eth_subscribe', ['logs', filter])
    expect(heads).toMatch(/^0x[0-9a-f]{32}$/)
    await until(() => fake.hearing.size === 2)
    for (const one of fake.hearing) one.hear({ from: one.kind })
    await until(() => line.heard.length === 4)
    expect(line.heard.slice(2)).toEqual([
      {
        jsonrpc: '2.0',
        method: 'eth_subscription',
        params: { subscription: heads, result: { from: 'newHeads' } },
      },
      {
        jsonrpc: '2.0',
        method: 'eth_subscription',
        params: { subscription: logs, result: { from: 'logs' } },
      },
    ])
    expect([...fake.hearing].map((one) => one.filter)).toEqual([undefined, filter])

    expect(await line.ask('eth_unsubscribe', [heads])).toMatchObject({ result: true })
    expect(await line.ask('eth_unsubscribe', [heads])).toMatchObject({ result: false })
    expect([...fake.hearing].map(({ kind }) => kind)).toEqual(['logs'])
    line.socket.close()
    await until(() => fake.hearing.size === 0)
    // Nothing of it was asked of the chain as a call.
    expect(fake.asked).toEqual([])
  })

  it('error: what cannot be subscribed to, too many subscriptions, and a subscription over HTTP', async () => {
    const line = await dial()
    for (const params of [['newPendingTransactions'], [], {}, ['logs', 'all']])
      expect((await line.ask('eth_subscribe', params)).error.code).toBe(-32602)
    for (let count = 0; count < 16; count++) await line.ask('eth_subscribe', ['newHeads'])
    expect((await line.ask('eth_subscribe', ['newHeads'])).error.message).toContain('16')
    await until(() => fake.hearing.size === 16)
  })

  it("default: CometBFT's tm.event='NewBlock', one read for each look", async () => {
    let height = 5
    fake.answers(({ method }) =>
      method === 'block' ? { block: { header: { height: String(height) } } } : null,
    )
    const line = await dial('/hub-4/websocket')
    const query = "tm.event='NewBlock'"
    expect(await line.ask('subscribe', { query }, 9)).toEqual({ jsonrpc: '2.0', id: 9, result: {} })
    await until(() => fake.asked.length > 0)
    height = 6
    await until(() => line.heard.length === 2)
    expect(line.heard[1]).toEqual({
      jsonrpc: '2.0',
      id: 9,
      result: {
        query,
        data: { type: 'tendermint/event/NewBlock', value: { block: { header: { height: '6' } } } },
        events: { 'tm.event': ['NewBlock'] },
      },
    })
    expect((await line.ask('subscribe', { query })).error.message).toContain('already')
    expect(await line.ask('unsubscribe', { query })).toMatchObject({ result: {} })
    expect((await line.ask('unsubscribe', { query })).error.message).toContain('no such')
    expect((await line.ask('subscribe', { query: "tm.event='Tx'" })).error.message).toContain('NewBlock')
    expect((await line.ask('subscribe', {})).error.code).toBe(-32602)
    const asked = fake.asked.length
    expect(await line.ask('unsubscribe_all')).toMatchObject({ result: {} })
    expect(fake.asked).toHaveLength(asked)
  })

  it('behavior: a socket that closes ends its reads, and not what it sends', async () => {
    fake.answers(() => new Promise(() => undefined))
    const line = await dial()
    line.send(call('eth_call'))
    line.send(call('eth_sendRawTransaction'))
    await until(() => fake.asked.length === 2)
    line.socket.terminate()
    await until(() => fake.asked[0]!.signal!.aborted)
    expect(fake.asked[1]!.signal).toBeUndefined()
  })

  it('error: a message that is too long closes the socket, a socket too many is refused', async () => {
    const line = await dial()
    line.send(`"${'a'.repeat(2_097_152)}"`)
    expect(await line.closed).toBe(1009)
    await until(() =>
      dial().then(
        () => lines.length >= 32,
        () => false,
      ),
    )
    await Promise.all(Array.from({ length: 34 - lines.length }, () => dial().catch(() => undefined)))
    await expect(dial()).rejects.toThrow('503')
  })

  it('behavior: a stop closes each socket with 1001, and answers what is under way', async () => {
    fake.answers(({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', reject)))
    const line = await dial()
    line.send(call('eth_call'))
    await until(() => fake.asked.length === 1)
    await fake.endpoint.stop()
    expect(await line.closed).toBe(1001)
    await fake.endpoint.stop()
  })
})

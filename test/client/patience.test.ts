import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { type ClientOptions, createClient, type VeilcastClient } from '@veilcast/client'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { encodeReply, type ReplyBody, type Request, type TxId } from '@veilcast/shared/protocol'
import { accepted, createPushDialer, included, signTransfer } from '../support/client.ts'

/** The times of the delivery contract as they are by default, under a clock of the test's own. */
describe('patience', () => {
  let dialer: ReturnType<typeof createPushDialer>
  let client: VeilcastClient
  let addresses: string[]
  let hash: TxId
  let chain: string
  let signedTx: string
  /** Milliseconds since the call at which each message left, and where to. */
  let left: { atMs: number; to: string; request: Request }[]
  const ended = new AbortController()

  beforeEach(async () => {
    const listeners = ['first', 'second', 'third'].map((name) => createLoopback().listener(name))
    addresses = []
    for (const listener of listeners) {
      await listener.start()
      addresses.push(listener.address())
      await listener.stop()
    }
    ;({ hash, chain, signedTx } = await signTransfer())
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] })
  })
  afterEach(async () => {
    jest.useRealTimers()
    await client.stop()
  })

  async function open(options: Partial<ClientOptions> = {}) {
    dialer = createPushDialer()
    left = []
    const startedAtMs = performance.now()
    const { send } = dialer
    const mixnet = {
      ...dialer,
      async send(to: string, payload: Uint8Array) {
        await send(to, payload)
        left.push({ atMs: Math.round(performance.now() - startedAtMs), to, request: dialer.sent.at(-1)! })
      },
    }
    // U(0.7, 1.3) at its middle.
    client = createClient({ mixnet, broadcasters: [addresses[0]!], random: () => 0.5, ...options })
    await client.start()
  }

  const submit = (bytes: string | Uint8Array = signedTx, on = chain) => {
    const result = client.submit(
      { chain: on, signedTx: bytes },
      { timeoutMs: 86_400_000, signal: ended.signal },
    )
    result.catch(() => {})
    return result
  }
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms)
  const times = () => left.map(({ atMs }) => atMs)
  const reply = (request: Request, body: ReplyBody, number = 1) =>
    dialer.push(encodeReply({ id: request.id, incarnation: new Uint8Array(8).fill(1), number, body }))
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  it('default: after 6 s, then twice as long each time, to a minute', async () => {
    await open()
    submit()
    await pass(300_000)
    expect(times()).toEqual([0, 6_000, 18_000, 42_000, 90_000, 150_000, 210_000, 270_000])
    expect(new Set(left.map(({ request }) => Buffer.from(request.id).toString('hex'))).size).toBe(1)
    expect(left.every(({ request }) => request.body.kind === 'submit')).toBe(true)
  })

  it.each([
    [0, 4_200],
    [0.999_999, 7_800],
  ])('behavior: each pause is times U(0.7, 1.3): at %d the first is %d ms', async (draw, firstMs) => {
    await open({ random: () => draw })
    submit()
    await pass(firstMs - 2)
    expect(times()).toEqual([0])
    await pass(3)
    expect(left).toHaveLength(2)
  })

  it('behavior: on a slow mixnet three smoothed round trips', async () => {
    await open()
    const first = submit()
    await pass(4_000)
    reply(left[0]!.request, { kind: 'state', txId: hash, state: included })
    await turn()
    await expect(first).resolves.toMatchObject({ stage: 'included' })
    submit()
    await pass(11_990)
    expect(left).toHaveLength(2)
    await pass(20)
    expect(left).toHaveLength(3)
  })

  it('behavior: a broadcaster in charge is asked again after half a minute, in case its news were lost', async () => {
    await open()
    submit()
    await pass(100)
    reply(left[0]!.request, { kind: 'state', txId: hash, state: accepted })
    await turn()
    await pass(29_900)
    expect(left).toHaveLength(1)
    await pass(200)
    expect(left).toHaveLength(2)
  })

  it('behavior: what takes several packets is asked for by status', async () => {
    await open()
    submit(new Uint8Array(5_000).fill(7), 'cosmos:big-1')
    await pass(20_000)
    expect(left.map(({ request }) => request.body.kind)).toEqual(['submit', 'status', 'status'])
    expect(left[1]!.request.body).toMatchObject({ submitId: left[0]!.request.id })
  })

  it('behavior: three silences, then the next broadcaster, and round again', async () => {
    await open({ broadcasters: addresses })
    submit()
    await pass(200_000)
    const visits = left.map(({ to }) => addresses.indexOf(to))
    expect(visits.slice(0, 10)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 0])
    // Each begins with the short pause: a third silence of 24 s, and on.
    expect(times().slice(0, 4)).toEqual([0, 6_000, 18_000, 42_000])
    expect(times().slice(4, 6)).toEqual([48_000, 60_000])
  })

  it('error: a timeout after sending is unknown, never a failure', async () => {
    await open()
    const result = client.submit({ chain, signedTx }, { timeoutMs: 120_000 })
    const told = result.catch((error: unknown) => error)
    await pass(120_001)
    expect(await told).toMatchObject({ errorName: 'replyTimeout', outcome: 'unknown', retry: 'sameRequest' })
    const sent = left.length
    await pass(600_000)
    expect(left).toHaveLength(sent)
  })
})

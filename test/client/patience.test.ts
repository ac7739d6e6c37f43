import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { type ClientOptions, createClient, type VeilcastClient } from '@veilcast/client'
import { wireError } from '@veilcast/shared/errors'
import { MixnetError } from '@veilcast/shared/mixnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { encodeReply, type ReplyBody, type Request, type TxId, type TxState } from '@veilcast/shared/protocol'
import fc from 'fast-check'
import { accepted, createPushDialer, failure, included, signTransfer, submitted } from '../support/client.ts'

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
  /** What the mixnet does with each message. */
  let carry: (to: string, request: Request) => void
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
    carry = () => {}
    const startedAtMs = performance.now()
    const { send } = dialer
    const mixnet = {
      ...dialer,
      async send(to: string, payload: Uint8Array) {
        await send(to, payload)
        const request = dialer.sent.at(-1)!
        carry(to, request)
        left.push({ atMs: Math.round(performance.now() - startedAtMs), to, request })
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
  const reply = (request: Request, body: ReplyBody, number = 1, life = 1) =>
    dialer.push(encodeReply({ id: request.id, incarnation: new Uint8Array(8).fill(life), number, body }))
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const visits = () => left.map(({ to }) => addresses.indexOf(to))
  const answer = async (index: number, state: TxState, number: number, life?: number) => {
    await pass(0)
    reply(left[index]!.request, { kind: 'state', txId: hash, state }, number, life)
    await turn()
  }

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
    expect(visits().slice(0, 10)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 0])
    // Each begins with the short pause: a third silence of 24 s, and on.
    expect(times().slice(0, 4)).toEqual([0, 6_000, 18_000, 42_000])
    expect(times().slice(4, 6)).toEqual([48_000, 60_000])
  })

  it('behavior: round after round in vain each is asked more slowly', async () => {
    await open({ broadcasters: addresses.slice(0, 2) })
    submit()
    await pass(516_000)
    const round = (index: number) => times().filter((_, at) => Math.floor(at / 6) === index)
    expect(visits().slice(0, 12)).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1])
    expect(round(0)).toEqual([0, 6_000, 18_000, 42_000, 48_000, 60_000])
    expect(round(1)).toEqual([84_000, 96_000, 120_000, 168_000, 180_000, 204_000])
    expect(round(2)).toEqual([252_000, 276_000, 324_000, 384_000, 408_000, 456_000])
    expect(round(3)).toEqual([516_000])
  })

  it('behavior: in charge and silent to a repetition, it is repeated after the short pause, and left after three', async () => {
    await open({ broadcasters: addresses })
    submit()
    await pass(100)
    await answer(0, accepted, 1)
    await pass(80_000)
    expect(times()).toEqual([0, 30_100, 36_100, 48_100, 72_100, 78_100])
    expect(visits()).toEqual([0, 0, 0, 0, 1, 1])
  })

  it('behavior: on a slow mixnet a repetition too has three smoothed round trips', async () => {
    await open()
    submit()
    await pass(4_000)
    await answer(0, accepted, 1)
    await pass(60_000)
    expect(times()).toEqual([0, 34_000, 46_000])
  })

  it('behavior: an answer without news brings the long pause back, to a minute; news begin it anew', async () => {
    await open({ broadcasters: addresses })
    submit()
    await answer(0, accepted, 1)
    for (let repetition = 1; repetition <= 3; repetition++) {
      await pass(repetition === 1 ? 30_000 : 60_000)
      expect(left).toHaveLength(repetition + 1)
      await answer(repetition, accepted, 1)
    }
    expect(times()).toEqual([0, 30_000, 90_000, 150_000])
    // One that is lost is repeated, and its answer ends that.
    await pass(60_000 + 6_000)
    expect(times().slice(4)).toEqual([210_000, 216_000])
    await answer(5, accepted, 1)
    await pass(59_900)
    expect(left).toHaveLength(6)
    await pass(200)
    expect(times().slice(6)).toEqual([276_000])
    await answer(6, submitted, 2)
    await pass(30_000)
    expect(times().slice(7)).toEqual([306_100])
    expect(new Set(visits())).toEqual(new Set([0]))
  })

  it('behavior: who began anew within the long pause has forgotten who asked, and is asked within seconds of being back', async () => {
    await open({ broadcasters: addresses })
    const result = submit()
    await answer(0, accepted, 1)
    // Away at the first repetition, and back for the second.
    await pass(36_000)
    await answer(2, included, 3)
    expect(await result).toMatchObject({ stage: 'included', broadcaster: 0, messages: { sent: 3 } })
    expect(times()).toEqual([0, 30_000, 36_000])
  })

  it('behavior: left for its silence, it answers after all that it has it: nobody else is asked again', async () => {
    await open({ broadcasters: addresses })
    submit()
    await answer(0, accepted, 1)
    await pass(72_000)
    expect(visits()).toEqual([0, 0, 0, 0, 1])
    await answer(3, accepted, 1)
    await pass(59_900)
    expect(left).toHaveLength(5)
    await pass(200)
    expect(visits()).toEqual([0, 0, 0, 0, 1, 0])
  })

  it('behavior: in another life of its store it is asked until it answers the fresh question, whatever else it says', async () => {
    await open({ broadcasters: addresses })
    submit()
    await answer(0, accepted, 1)
    await answer(0, accepted, 1, 2)
    await pass(1_000)
    await answer(0, accepted, 1, 2)
    await pass(5_000)
    expect(left.map(({ request }) => request.body.kind)).toEqual(['submit', 'status', 'status'])
    expect(times()).toEqual([0, 0, 6_000])
    await answer(2, accepted, 1, 2)
    await pass(29_900)
    expect(left).toHaveLength(3)
  })

  it('error: what the next one refuses is not called unsent, as the silent one may have sent it', async () => {
    await open({ broadcasters: addresses })
    const told = submit().catch((error: unknown) => error)
    await answer(0, accepted, 1)
    await pass(72_000)
    expect(visits()).toEqual([0, 0, 0, 0, 1])
    const error = wireError('feeTooLow', {}, { outcome: 'notSent' })
    await answer(4, { stage: 'refused', error }, 2)
    expect(await told).toMatchObject({ errorName: 'feeTooLow', outcome: 'unknown' })
  })

  it('behavior: what cannot leave is tried more and more slowly, and is no silence', async () => {
    await open({ broadcasters: addresses })
    submit()
    await answer(0, accepted, 1)
    const tried: number[] = []
    const startedAtMs = performance.now()
    carry = () => {
      tried.push(Math.round(performance.now() - startedAtMs))
      throw new MixnetError('overloaded', 'It is full.')
    }
    await pass(200_000)
    expect(tried).toEqual([30_000, 36_000, 48_000, 72_000, 120_000, 180_000])
    expect(new Set(visits())).toEqual(new Set([0]))
  })

  it('property: however late, seldom or often it is answered, three pauses in a row take half a minute', async () => {
    const shortest = { random: () => 0 }
    const heard = fc.record({
      body: fc.constantFrom<'nothing' | 'accepted' | 'next' | 'busy'>('nothing', 'accepted', 'next', 'busy'),
      afterMs: fc.nat({ max: 90_000 }),
      copies: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(heard, { minLength: 1, maxLength: 40 }),
        async (count, script) => {
          await open({ ...shortest, broadcasters: addresses.slice(0, count) })
          const numbers = new Map<string, number>()
          carry = (to, request) => {
            const { body, afterMs, copies } = script[left.length % script.length]!
            if (body === 'nothing') return
            const number = (numbers.get(to) ?? 1) + (body === 'next' ? 1 : 0)
            numbers.set(to, number)
            const told: ReplyBody =
              body === 'busy'
                ? failure('busy', { retryAfterMs: 10 })
                : { kind: 'state', txId: hash, state: body === 'next' ? submitted : accepted }
            for (let copy = 1; copy <= copies; copy++) {
              setTimeout(() => reply(request, told, body === 'busy' ? 0 : number), afterMs * copy)
            }
          }
          submit()
          await pass(1_800_000)
          await client.stop()
          const at = times()
          expect(at.length).toBeGreaterThan(5)
          for (let index = 1; index < at.length; index++) {
            expect(at[index]! - at[index - 1]!).toBeGreaterThanOrEqual(4_200)
          }
          // 4.2 s, 8.4 s and 16.8 s, in whatever order they come.
          for (let index = 3; index < at.length; index++) {
            expect(at[index]! - at[index - 3]!).toBeGreaterThanOrEqual(29_400)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('property: who is answered in time asks no more often than the long pause says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 4_100 }), { minLength: 1, maxLength: 20 }), async (delays) => {
        await open({ random: () => 0, broadcasters: addresses })
        carry = (_, request) => {
          const state = () => reply(request, { kind: 'state', txId: hash, state: accepted })
          setTimeout(state, delays[left.length % delays.length])
        }
        submit()
        await pass(1_800_000)
        await client.stop()
        // 21 s after the first answer, 42 s after each other one.
        expect(left.length).toBeLessThanOrEqual(2 + Math.ceil((1_800_000 - 21_000) / 42_000))
        expect(new Set(visits())).toEqual(new Set([0]))
      }),
      { numRuns: 30 },
    )
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

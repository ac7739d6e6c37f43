import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  type MixnetAddress,
  type MixnetDialer,
  MixnetError,
  type MixnetListener,
  maxPayloadBytes,
  maxSurbsPerMessage,
  parseAddress,
  replyPacketBytes,
  requestPacketBytes,
  type SenderTag,
} from '@veilcast/shared/mixnet'
import { createStopper, type Reader, readFrom } from '../support/mixnetReader.ts'

export interface MixnetPair {
  readonly dialer: MixnetDialer
  readonly listener: MixnetListener
}

/** What a transport cannot promise. */
export interface MixnetTraits {
  /** Whether a message without SURBs is free of the sender tag too. Default true. */
  readonly plainWithoutSurbs?: boolean
  /** Whether a listener has its address again after stop and start. Default true. */
  readonly keepsAddress?: boolean
  /** Whether SURBs die with the listener's stop. Default true. */
  readonly surbsDieAtStop?: boolean
}

/** The suite that every mixnet transport passes. `makePair` makes a pair that is not started. */
export function describeMixnetContract(
  name: string,
  makePair: () => Promise<MixnetPair>,
  { plainWithoutSurbs = true, keepsAddress = true, surbsDieAtStop = true }: MixnetTraits = {},
): void {
  describe(`${name}: the mixnet contract`, () => {
    const remember = createStopper()
    const createPair = async () => {
      const pair = await makePair()
      remember(pair.dialer)
      remember(pair.listener)
      return pair
    }
    afterAll(remember.stopAll)

    describe('a running pair', () => {
      let pair: MixnetPair
      let to: MixnetAddress
      let requests: Reader<{ readonly payload: Uint8Array; readonly replyTo?: SenderTag }>
      let replies: Reader<Uint8Array>

      beforeAll(async () => {
        pair = await createPair()
        await Promise.all([pair.listener.start(), pair.dialer.start()])
        to = pair.listener.address()
        requests = readFrom(pair.listener.requests())
        replies = readFrom(pair.dialer.replies())
      })
      afterAll(async () => {
        await Promise.all([pair?.dialer.stop(), pair?.listener.stop()])
      })

      it('has an address of the right form', () => {
        expect(parseAddress(to)).toBe(to)
      })

      it.each([1, requestPacketBytes - 460, requestPacketBytes - 459, requestPacketBytes, 20_000, 102_400])(
        'carries %i bytes intact and answers on a SURB',
        async (bytes) => {
          const payload = pattern(bytes)
          await pair.dialer.send(to, payload, 1)
          const request = await requests.next()
          expect(isSame(request.payload, payload)).toBe(true)
          expect(request.replyTo).toBeDefined()

          await pair.listener.reply(request.replyTo!, Uint8Array.of(bytes % 251))
          expect([...(await replies.next())]).toEqual([bytes % 251])
        },
        60_000,
      )

      it.each([
        [replyPacketBytes, 1],
        [replyPacketBytes + 1, 2],
      ])('answers with %i bytes on %i SURBs', async (bytes, surbs) => {
        await pair.dialer.send(to, Uint8Array.of(1), surbs)
        const { replyTo } = await requests.next()
        const payload = pattern(bytes)
        await pair.listener.reply(replyTo!, payload)
        expect(isSame(await replies.next(), payload)).toBe(true)
      })

      it('answers as often as there are SURBs', async () => {
        await pair.dialer.send(to, Uint8Array.of(2), 3)
        const { replyTo } = await requests.next()
        for (const n of [1, 2, 3]) await pair.listener.reply(replyTo!, Uint8Array.of(n))
        const answers = await replies.take(3, (payload) => payload[0]!)
        expect(answers.map((payload) => payload[0])).toEqual([1, 2, 3])
      })

      it('keeps a reply without a SURB, which then eats that of the next request', async () => {
        await pair.dialer.send(to, Uint8Array.of(3), 1)
        const first = await requests.next()
        await pair.listener.reply(first.replyTo!, Uint8Array.of(31))
        await replies.next()
        await pair.listener.reply(first.replyTo!, Uint8Array.of(32))

        await pair.dialer.send(to, Uint8Array.of(4), 1)
        const second = await requests.next()
        expect(second.replyTo).toBe(first.replyTo)
        expect([...(await replies.next())]).toEqual([32])

        await pair.listener.reply(second.replyTo!, Uint8Array.of(41))
        await pair.dialer.send(to, Uint8Array.of(5), 1)
        await requests.next()
        expect([...(await replies.next())]).toEqual([41])
      })

      if (plainWithoutSurbs) {
        it('says nothing of the sender without SURBs', async () => {
          await pair.dialer.send(to, Uint8Array.of(6), 0)
          const request = await requests.next()
          expect([...request.payload]).toEqual([6])
          expect(request.replyTo).toBeUndefined()
        })
      }

      it('takes a reply to nobody without a word', async () => {
        await pair.listener.reply('1111111111111111' as SenderTag, Uint8Array.of(1))
      })

      it('keeps a copy of what it was given', async () => {
        const payload = Uint8Array.of(7, 7)
        const sending = pair.dialer.send(to, payload, 1)
        payload.fill(0)
        await sending
        expect([...(await requests.next()).payload]).toEqual([7, 7])
      })

      it('refuses what it cannot send', async () => {
        const one = Uint8Array.of(1)
        const nowhere = 'nowhere' as MixnetAddress
        await expect(pair.dialer.send(nowhere, one, 0)).rejects.toMatchObject({ kind: 'badAddress' })
        const huge = new Uint8Array(maxPayloadBytes + 1)
        await expect(pair.dialer.send(to, huge, 0)).rejects.toMatchObject({ kind: 'tooLarge' })
        await expect(pair.dialer.send(to, one, maxSurbsPerMessage + 1)).rejects.toThrow(RangeError)
        await expect(pair.dialer.send(to, one, -1)).rejects.toThrow(RangeError)
        await expect(pair.listener.reply('1111111111111111' as SenderTag, huge)).rejects.toMatchObject({
          kind: 'tooLarge',
        })
      })

      it('heeds an aborted signal', async () => {
        const signal = AbortSignal.abort(new Error('changed my mind'))
        await expect(pair.dialer.send(to, Uint8Array.of(1), 0, { signal })).rejects.toThrow('changed my mind')
        await expect(
          pair.listener.reply('1111111111111111' as SenderTag, Uint8Array.of(1), { signal }),
        ).rejects.toThrow('changed my mind')
      })

      it('has one consumer', () => {
        expect(() => pair.dialer.replies()).toThrow('consumer')
        expect(() => pair.listener.requests()).toThrow('consumer')
      })

      it('starts once', async () => {
        await Promise.all([pair.dialer.start(), pair.listener.start()])
        expect(pair.listener.address()).toBe(to)
      })
    })

    it('behavior: refuses everything before start and after stop, and ends its iterators', async () => {
      const { dialer, listener } = await createPair()
      const signal = AbortSignal.abort(new Error('never mind'))
      await expect(dialer.start({ signal })).rejects.toThrow('never mind')
      await expect(listener.start({ signal })).rejects.toThrow('never mind')
      await expectStopped(dialer, listener)

      await Promise.all([dialer.start(), listener.start()])
      const to = listener.address()
      const ends = [readFrom(dialer.replies()).ended(), readFrom(listener.requests()).ended()]
      await Promise.all([dialer.stop(), listener.stop()])
      expect(await Promise.all(ends)).toEqual([true, true])
      await expectStopped(dialer, listener, to)
      expect(await readFrom(dialer.replies()).ended()).toBe(true)
      await Promise.all([dialer.stop(), listener.stop()])
    })

    it('behavior: starts again after stop', async () => {
      const { dialer, listener } = await createPair()
      await Promise.all([dialer.start(), listener.start()])
      const before = listener.address()
      await dialer.send(before, Uint8Array.of(1), 1)
      const old = await readFrom(listener.requests()).next()
      await listener.stop()
      if (keepsAddress) await dialer.send(before, Uint8Array.of(2), 1)
      await listener.start()
      const requests = readFrom(listener.requests())
      if (keepsAddress) {
        expect(listener.address()).toBe(before)
        expect([...(await requests.next()).payload]).toEqual([2])
      }
      // The SURBs of another life are void: this reaches nobody.
      if (surbsDieAtStop) await listener.reply(old.replyTo!, Uint8Array.of(9))

      await dialer.stop()
      await dialer.start()
      await dialer.send(listener.address(), Uint8Array.of(3), 1)
      const { payload, replyTo } = await requests.next()
      expect([...payload]).toEqual([3])
      await listener.reply(replyTo!, Uint8Array.of(33))
      expect([...(await readFrom(dialer.replies()).next())]).toEqual([33])
      await Promise.all([dialer.stop(), listener.stop()])
    })
  })
}

async function expectStopped(dialer: MixnetDialer, listener: MixnetListener, to?: MixnetAddress) {
  const one = Uint8Array.of(1)
  const address = to ?? parseAddress(`${'1'.repeat(32)}.${'1'.repeat(32)}@${'1'.repeat(32)}`)
  await expect(dialer.send(address, one, 0)).rejects.toMatchObject({ kind: 'stopped' })
  await expect(listener.reply('1111111111111111' as SenderTag, one)).rejects.toMatchObject({
    kind: 'stopped',
  })
  expect(() => listener.address()).toThrow(MixnetError)
}

function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, n) => (n * 31 + (n >> 8) + bytes) % 256)
}

/** jest's own comparison takes seconds for 100 KB, and knows bytes of another thread as another class. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

import { describe, expect, it } from '@jest/globals'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { describeMixnetContract } from '../../contract/mixnet.ts'
import { readFrom } from '../../support/mixnetReader.ts'

describeMixnetContract('loopback', async () => {
  const mixnet = createLoopback({ seed: 1 })
  return { dialer: mixnet.dialer(), listener: mixnet.listener() }
})

describe('loopback', () => {
  it('behavior: the same seed loses the same messages', async () => {
    const run = async () => {
      const mixnet = createLoopback({ seed: 'storm', loss: 0.3, duplication: 0.2, reordering: 0.2 })
      const listener = mixnet.listener()
      const dialer = mixnet.dialer()
      await Promise.all([listener.start(), dialer.start()])
      const requests = readFrom(listener.requests())
      for (let n = 0; n < 100; n += 1) await dialer.send(listener.address(), Uint8Array.of(n), 1)
      const { dropped, duplicated } = mixnet.counters
      const arrived = await requests.take(100 - dropped + duplicated, ({ payload }) => payload[0]!)
      await Promise.all([listener.stop(), dialer.stop()])
      return arrived.map(({ payload }) => payload[0])
    }
    const [first, second] = [await run(), await run()]
    expect(first).toEqual(second)
    expect(new Set(first).size).toBeLessThan(100)
    expect(first.length).toBeGreaterThan(new Set(first).size)
  })

  it('behavior: a duplicate brings no SURBs of its own', async () => {
    const mixnet = createLoopback({ duplication: 1 })
    const listener = mixnet.listener()
    const dialer = mixnet.dialer()
    await Promise.all([listener.start(), dialer.start()])
    const requests = readFrom(listener.requests())
    await dialer.send(listener.address(), Uint8Array.of(1), 1)
    const [first, second] = [await requests.next(), await requests.next()]
    expect(second.replyTo).toBe(first.replyTo)
    for (const n of [1, 2]) await listener.reply(first.replyTo!, Uint8Array.of(n))
    expect(mixnet.counters).toMatchObject({ surbs: 1, surbsSpent: 1, replies: 2, duplicated: 2 })
    await Promise.all([listener.stop(), dialer.stop()])
  })

  it('behavior: faults of one way leave the other alone', async () => {
    const mixnet = createLoopback({ replies: { loss: 1 } })
    const listener = mixnet.listener()
    const dialer = mixnet.dialer()
    await Promise.all([listener.start(), dialer.start()])
    const [requests, replies] = [readFrom(listener.requests()), readFrom(dialer.replies())]
    await dialer.send(listener.address(), Uint8Array.of(1), 2)
    const { replyTo } = await requests.next()
    await listener.reply(replyTo!, Uint8Array.of(1))
    mixnet.set({})
    await listener.reply(replyTo!, Uint8Array.of(2))
    expect([...(await replies.next())]).toEqual([2])
    await Promise.all([listener.stop(), dialer.stop()])
  })

  it('behavior: a dialer that restarts says so, has a new tag, and hears nothing of before', async () => {
    const mixnet = createLoopback()
    const listener = mixnet.listener()
    const dialer = mixnet.dialer()
    let restarts = 0
    const forget = dialer.onRestart(() => {
      restarts += 1
    })
    await Promise.all([listener.start(), dialer.start()])
    const [requests, replies] = [readFrom(listener.requests()), readFrom(dialer.replies())]
    await dialer.send(listener.address(), Uint8Array.of(1), 1)
    const before = await requests.next()
    dialer.restart()
    await dialer.send(listener.address(), Uint8Array.of(2), 1)
    const after = await requests.next()
    expect(after.replyTo).not.toBe(before.replyTo)
    await listener.reply(before.replyTo!, Uint8Array.of(1))
    await listener.reply(after.replyTo!, Uint8Array.of(2))
    expect([...(await replies.next())]).toEqual([2])
    forget()
    dialer.restart()
    expect(restarts).toBe(1)
    await Promise.all([listener.stop(), dialer.stop()])
  })

  it('behavior: unreachable when told so', async () => {
    const mixnet = createLoopback({ unreachable: true })
    const dialer = mixnet.dialer()
    await expect(dialer.start()).rejects.toMatchObject({ kind: 'unreachable' })
    mixnet.set({})
    await dialer.start()
    await dialer.stop()
  })

  it('behavior: with nobody left, what is under way is in its mailbox at once', async () => {
    const mixnet = createLoopback({ delayMs: 3_600_000 })
    const listener = mixnet.listener('carol')
    const dialer = mixnet.dialer()
    await Promise.all([listener.start(), dialer.start()])
    await dialer.send(listener.address(), Uint8Array.of(1), 0)
    await Promise.all([listener.stop(), dialer.stop()])
    const again = mixnet.listener('carol')
    await again.start()
    expect([...(await readFrom(again.requests()).next()).payload]).toEqual([1])
    await again.stop()
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import {
  type Localnet,
  type NativeClientStandIn,
  startLocalnet,
  startNativeClientStandIn,
} from '@veilcast/localnet'
import { MixnetError } from '@veilcast/shared/mixnet'
import { createLoopback, type Loopback } from '@veilcast/shared/mixnet/loopback'
import { createNymSocketDialer, createNymSocketListener } from '@veilcast/shared/mixnet/nym-socket'
import { describeMixnetContract } from '../../contract/mixnet.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../../support/mixnetNativeClient.ts'
import { createStopper, readFrom } from '../../support/mixnetReader.ts'
import { until } from '../../support/until.ts'

const quick = { pingIntervalMs: 200, lostAfterMs: 20_000, minBackoffMs: 10, maxBackoffMs: 100 }
const natives: FakeNativeClient[] = []
let mixnet: Loopback

async function startNative(port?: number) {
  const native = await startFakeNativeClient(mixnet, port)
  natives.push(native)
  return native
}

const remember = createStopper()
afterEach(remember.stopAll)
beforeAll(() => {
  mixnet = createLoopback({ seed: 1 })
})
afterAll(async () => {
  await Promise.all(natives.map((native) => native.stop()))
})

describeMixnetContract(
  'nymSocket over the loopback',
  async () => {
    const [asking, answering] = [await startNative(), await startNative()]
    return {
      dialer: createNymSocketDialer({ ...quick, url: asking.url }),
      listener: createNymSocketListener({ ...quick, url: answering.url }),
    }
  },
  { surbsDieAtStop: false },
)

let localnet: Localnet
const standIns: NativeClientStandIn[] = []
beforeAll(async () => {
  localnet = await startLocalnet({ seed: 3 })
})
afterAll(async () => {
  await Promise.all(standIns.map((standIn) => standIn.stop()))
  await localnet?.stop()
})

describeMixnetContract(
  'nymSocket over the local Nym network',
  async () => {
    const { nymApiUrl, preferredGateway } = localnet
    const profile = { nymApiUrl, preferredGateway, cover: false, pacing: false, averagePacketDelayMs: 1 }
    const [asking, answering] = await Promise.all([
      startNativeClientStandIn(profile),
      startNativeClientStandIn(profile),
    ])
    standIns.push(asking, answering)
    return {
      dialer: createNymSocketDialer({ ...quick, url: asking.url }),
      listener: createNymSocketListener({ ...quick, url: answering.url }),
    }
  },
  { surbsDieAtStop: false },
)

describe('nymSocket', () => {
  it('default: refuses another host, for the socket is open to whoever reads along', () => {
    for (const url of [
      'ws://10.0.0.1:1977',
      'wss://nym.example',
      'ws://localhost.example',
      'ws://127.0.0.1.example',
    ]) {
      expect(() => createNymSocketDialer({ url })).toThrow(MixnetError)
      expect(() => createNymSocketListener({ url })).toThrow('allowUnprotectedRemote')
      createNymSocketDialer({ url, allowUnprotectedRemote: true })
    }
    for (const url of ['ws://localhost:1977', 'ws://127.0.0.2:1', 'ws://[::1]:1977'])
      createNymSocketDialer({ url })
    expect(() => createNymSocketDialer({ url: 'http://127.0.0.1:1977' })).toThrow('ws://')
  })

  it('behavior: unreachable while nobody listens', async () => {
    const dialer = remember(createNymSocketDialer({ ...quick, url: 'ws://127.0.0.1:9' }))
    await expect(dialer.start()).rejects.toMatchObject({ kind: 'unreachable' })
    await dialer.stop()
  })

  it('behavior: comes back after a cut, with what waited on both sides', async () => {
    const [asking, answering] = [await startNative(), await startNative()]
    const dialer = remember(createNymSocketDialer({ ...quick, url: asking.url }))
    const listener = remember(
      createNymSocketListener({ ...quick, minBackoffMs: 500, maxBackoffMs: 500, url: answering.url }),
    )
    await Promise.all([dialer.start(), listener.start()])
    const [requests, replies] = [readFrom(listener.requests()), readFrom(dialer.replies())]
    await dialer.send(listener.address(), Uint8Array.of(1), 2)
    const { replyTo } = await requests.next()

    answering.cut()
    await until(() => !listener.connected())
    await dialer.send(listener.address(), Uint8Array.of(2), 0)
    // The native client keeps its SURBs: the reply waits for the next socket.
    const waiting = listener.reply(replyTo!, Uint8Array.of(11))
    expect([...(await requests.next()).payload]).toEqual([2])
    await waiting
    expect([...(await replies.next())]).toEqual([11])

    const restarted = new Promise<void>((resolve) => dialer.onRestart(resolve))
    asking.cut()
    await restarted
    await listener.reply(replyTo!, Uint8Array.of(12))
    expect([...(await replies.next())]).toEqual([12])
    await Promise.all([dialer.stop(), listener.stop()])
  })

  it('behavior: what waits too long, or beyond the buffer, is refused', async () => {
    const native = await startNative()
    const dialer = remember(
      createNymSocketDialer({
        ...quick,
        url: native.url,
        minBackoffMs: 60_000,
        maxBackoffMs: 60_000,
        maxWaitMs: 50,
        maxWaitingMessages: 2,
      }),
    )
    const listener = createNymSocketListener({ ...quick, url: (await startNative()).url })
    await Promise.all([dialer.start(), listener.start()])
    native.cut()
    const lost = async () => {
      for (;;) {
        const sending = dialer.send(listener.address(), Uint8Array.of(1), 0)
        const late = await sending.then(
          () => false,
          (error: MixnetError) => error.kind === 'unreachable',
        )
        if (late) return
      }
    }
    await lost()
    const waiting = [1, 2].map((n) => dialer.send(listener.address(), Uint8Array.of(n), 0))
    const refusals = Promise.allSettled(waiting)
    await expect(dialer.send(listener.address(), Uint8Array.of(3), 0)).rejects.toMatchObject({
      kind: 'overloaded',
    })
    expect((await refusals).map((result) => (result as PromiseRejectedResult).reason.kind)).toEqual([
      'unreachable',
      'unreachable',
    ])
    const stopping = dialer.send(listener.address(), Uint8Array.of(4), 0)
    await Promise.all([
      expect(stopping).rejects.toMatchObject({ kind: 'stopped' }),
      dialer.stop(),
      listener.stop(),
    ])
  })

  it('behavior: refuses more while the native client has enough to send', async () => {
    const [asking, answering] = [await startNative(), await startNative()]
    const dialer = remember(createNymSocketDialer({ ...quick, url: asking.url, maxLanePackets: 10 }))
    const listener = remember(createNymSocketListener({ ...quick, url: answering.url }))
    await Promise.all([dialer.start(), listener.start()])
    const send = () =>
      dialer.send(listener.address(), Uint8Array.of(1), 0).then(
        () => 'sent',
        (error: MixnetError) => error.kind,
      )
    for (const [packets, outcome] of [
      [11, 'overloaded'],
      [10, 'sent'],
    ] as const) {
      asking.say(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, packets))
      let heard: string | undefined
      const look = async () => {
        heard = await send()
      }
      await until(() => {
        void look()
        return heard === outcome
      })
    }
  })

  it('behavior: frames that make no sense change nothing', async () => {
    const native = await startNative()
    const listener = remember(createNymSocketListener({ ...quick, url: native.url }))
    await listener.start()
    const requests = readFrom(listener.requests())
    for (const frame of [
      [],
      [9],
      [0, 1, 2],
      [1],
      [1, 2],
      [1, 1, 5],
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1],
      [2, 1],
      [3, 1],
    ]) {
      native.say(Uint8Array.from(frame))
    }
    native.say(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 77))
    expect([...(await requests.next()).payload]).toEqual([77])
    await listener.stop()
  })
})

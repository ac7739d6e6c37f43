import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { base58 } from '@scure/base'
import {
  type Localnet,
  type NativeClientStandIn,
  startLocalnet,
  startNativeClientStandIn,
  startWasmClient,
  type WasmClient,
} from '@veilcast/localnet'
import { type Conversation, openSocket } from '../../support/localnetGatewayClient.ts'
import { createInbox, textOf } from '../../support/localnetInbox.ts'
import { until } from '../../support/until.ts'

/** Everything is written out in bytes: this suite is what a program for the native client relies on. */
describe('the stand-in for the native client', () => {
  let localnet: Localnet
  let nymClient: NativeClientStandIn
  let wallet: WasmClient
  let socket: Conversation
  const inbox = createInbox()

  beforeAll(async () => {
    localnet = await startLocalnet({ seed: 9 })
    const quiet = { ...localnet, cover: false, pacing: false, averagePacketDelayMs: 0 }
    nymClient = await startNativeClientStandIn({ ...quiet, id: 'broadcaster' })
    wallet = await startWasmClient({ ...quiet, onMessage: inbox.onMessage })
    socket = await openSocket(nymClient.url)
  })
  afterAll(async () => {
    socket?.close()
    await wallet?.stop()
    await nymClient?.stop()
    await localnet?.stop()
  })

  it('default: tells its address, in bytes and in text', async () => {
    socket.say(Uint8Array.of(0x03))
    expect(await socket.hearBinary()).toEqual(
      Buffer.concat([Uint8Array.of(0x02), recipient(nymClient.address)]),
    )
    socket.say('{"type":"selfAddress"}')
    expect(await socket.hear()).toEqual({ type: 'selfAddress', address: nymClient.address })
    socket.say(Uint8Array.of(0x03))
    await socket.hearBinary()
  })

  it('default: receives with a sender tag, and answers to it', async () => {
    await wallet.sendAnonymous(nymClient.address, Buffer.from([0, 255, 1]), 2)
    const received = await socket.hearBinary()
    expect(received.subarray(0, 2)).toEqual(Buffer.of(0x01, 1))
    expect(received.subarray(18)).toEqual(Buffer.concat([u64(3), Buffer.of(0, 255, 1)]))

    socket.say(
      Buffer.concat([Uint8Array.of(0x02), received.subarray(2, 18), u64(0), u64(2), Buffer.from('ok')]),
    )
    expect(textOf(await inbox.next())).toBe('ok')
  })

  it('default: sends, with SURBs and without', async () => {
    socket.say(
      Buffer.concat([Uint8Array.of(0x00), recipient(wallet.address), u64(0), u64(5), Buffer.from('plain')]),
    )
    const plain = await inbox.next()
    expect(textOf(plain)).toBe('plain')
    expect(plain.senderTag).toBeUndefined()

    const surbs = Buffer.of(0, 0, 0, 2)
    socket.say(
      Buffer.concat([
        Uint8Array.of(0x01),
        surbs,
        recipient(wallet.address),
        u64(0),
        u64(4),
        Buffer.from('anon'),
      ]),
    )
    const anonymous = await inbox.next()
    expect(textOf(anonymous)).toBe('anon')
    await wallet.reply(anonymous.senderTag!, Buffer.from('heard'))
    expect(await socket.hearBinary()).toEqual(
      Buffer.concat([Uint8Array.of(0x01, 0), u64(5), Buffer.from('heard')]),
    )
  })

  it('behavior: a message without SURBs comes without a tag', async () => {
    await wallet.send(nymClient.address, Buffer.from('hi'))
    expect(await socket.hearBinary()).toEqual(
      Buffer.concat([Uint8Array.of(0x01, 0), u64(2), Buffer.from('hi')]),
    )
  })

  it('behavior: a message that names a connection is answered with the length of its lane', async () => {
    socket.say(
      Buffer.concat([Uint8Array.of(0x00), recipient(wallet.address), u64(77), u64(1), Buffer.from('x')]),
    )
    expect(await socket.hearBinary()).toEqual(Buffer.concat([Uint8Array.of(0x03), u64(77), u64(0)]))
    socket.say(Buffer.concat([Uint8Array.of(0x05), u64(78)]))
    expect(await socket.hearBinary()).toEqual(Buffer.concat([Uint8Array.of(0x03), u64(78), u64(0)]))
    expect(textOf(await inbox.next())).toBe('x')
  })

  it('behavior: one program at a time', async () => {
    await expect(openSocket(nymClient.url)).rejects.toThrow()
  })

  it('behavior: keeps what arrives while no program is connected', async () => {
    socket.close()
    await socket.closed
    localnet.resetCounters()
    await wallet.send(nymClient.address, Buffer.from('kept'))
    await until(() => localnet.countersOf(nymClient.address).dataPacketsPushed === 1)
    socket = await openSocket(nymClient.url)
    expect((await socket.hearBinary()).subarray(10).toString()).toBe('kept')
  })

  it('behavior: speaks text to who asks in text', async () => {
    const to = wallet.address
    socket.say({ type: 'sendAnonymous', recipient: to, message: 'in text', replySurbs: 1 })
    const question = await inbox.next()
    expect(textOf(question)).toBe('in text')
    await wallet.reply(question.senderTag!, Buffer.from('answer'))
    expect(await socket.hear()).toEqual({ type: 'received', message: 'answer', senderTag: null })

    await wallet.sendAnonymous(nymClient.address, Buffer.from('question'), 1)
    const { senderTag } = await socket.hear()
    socket.say({ type: 'reply', senderTag, message: 'in text, too' })
    expect(textOf(await inbox.next())).toBe('in text, too')
    socket.say({ type: 'send', recipient: to, message: 'plain' })
    expect(textOf(await inbox.next())).toBe('plain')
  })

  it.each([
    ['an empty frame', Buffer.alloc(0), 0x01],
    ['too little', Buffer.of(0x00, 1), 0x02],
    ['an unknown tag', Buffer.of(0x77), 0x03],
    ['a wrong length', Buffer.concat([Uint8Array.of(0x02), Buffer.alloc(16), u64(0), u64(9)]), 0x04],
    [
      'more SURBs than it would attach',
      Buffer.concat([Buffer.of(0x01, 255, 255, 255, 255), Buffer.alloc(96 + 16)]),
      0x04,
    ],
    ['a lane without its id', Buffer.of(0x05), 0x04],
    ['a recipient that is no address', Buffer.concat([Buffer.alloc(97).fill(2, 1, 2), u64(0), u64(0)]), 0x04],
  ])('behavior: answers %s with an error frame', async (_what, frame, kind) => {
    socket.say(frame)
    const error = await socket.hearBinary()
    expect([...error.subarray(0, 2)]).toEqual([0x00, kind])
    expect(error.readBigUInt64BE(2)).toBe(BigInt(error.length - 10))
  })

  it.each([
    ['no JSON', '}{'],
    ['an unknown type', '{"type":"dance"}'],
    ['an address that is none', '{"type":"send","recipient":"a.b@c","message":"m"}'],
    ['a message that is none', '{"type":"reply","senderTag":"2","message":3}'],
  ])('behavior: answers %s with an error in text', async (_what, frame) => {
    socket.say(frame)
    expect((await socket.hear()).type).toBe('error')
  })
})

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

const recipient = (address: string) => Buffer.concat(address.split(/[.@]/).map((key) => base58.decode(key)))

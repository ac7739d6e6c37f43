import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { base58 } from '@scure/base'
import { type Localnet, type LocalnetEvent, startLocalnet, startWasmClient } from '@veilcast/localnet'
import { createGatewayClient, openSocket } from '../../support/localnetGatewayClient.ts'
import { until } from '../../support/until.ts'

describe('gateway', () => {
  let localnet: Localnet
  let events: LocalnetEvent['type'][]

  beforeEach(async () => {
    events = []
    localnet = await startLocalnet({
      seed: 2,
      limits: { maxStoredMessagesPerClient: 2, maxClients: 2, maxFrameBytes: 8_192 },
      onEvent: ({ type }) => events.push(type),
    })
  })
  afterEach(() => localnet.stop())

  it('default: registers a client, and knows it on a later socket', async () => {
    const client = createGatewayClient(localnet.gatewayUrl)
    const first = await client.connect()
    first.say({ type: 'supportedProtocol' })
    expect(await first.hear()).toEqual({ type: 'supportedProtocol', version: 5 })
    expect(await client.register(first)).toBe(true)
    first.say({ type: 'claimFreeTestnetBandwidth' })
    expect((await first.hear()).available_total).toBeGreaterThan(0)
    first.close()

    const later = await client.connect()
    expect(await client.authenticate(later)).toBe(true)
    later.close()
  })

  it('behavior: refuses a client that does not know the shared key', async () => {
    const client = createGatewayClient(localnet.gatewayUrl)
    expect(await client.register(await client.connect())).toBe(true)
    const impostor = await client.connect()
    await expect(client.authenticate(impostor, true)).rejects.toThrow('the socket was closed')
    expect(await impostor.closed).toEqual({ code: 1008, reason: 'authentication failed' })
  })

  it('behavior: a newer socket of a client replaces the older one', async () => {
    const client = createGatewayClient(localnet.gatewayUrl)
    const older = await client.connect()
    await client.register(older)
    const newer = await client.connect()
    expect(await client.authenticate(newer)).toBe(true)
    expect((await older.closed).code).toBe(1008)
    newer.close()
  })

  it('behavior: has room for a limited number of clients', async () => {
    for (const _ of [1, 2]) {
      const client = createGatewayClient(localnet.gatewayUrl)
      expect(await client.register(await client.connect())).toBe(true)
    }
    const third = createGatewayClient(localnet.gatewayUrl)
    const socket = await third.connect()
    await expect(third.register(socket)).rejects.toThrow('the socket was closed')
    expect((await socket.closed).code).toBe(1013)
  })

  it('behavior: keeps what arrives while a client has no socket, up to a limit, and pushes it on its return', async () => {
    const away = createGatewayClient(localnet.gatewayUrl)
    const socket = await away.connect()
    await away.register(socket)
    localnet.faults.cutGatewaySockets(away.clientId)
    expect((await socket.closed).code).toBe(1006)

    const sender = await startWasmClient({
      ...localnet,
      cover: false,
      pacing: false,
      averagePacketDelayMs: 0,
    })
    const address = `${away.clientId}.${base58.encode(Uint8Array.from(randomBytes(32)))}@${localnet.preferredGateway}`
    for (const text of ['one', 'two', 'three']) await sender.send(address, Buffer.from(text))
    await until(() => localnet.countersOf(sender.address).acksPushed === 3)
    expect(localnet.countersOf(away.clientId)).toMatchObject({ framesStored: 2, framesDiscarded: 1 })

    const back = await away.connect()
    expect(await away.authenticate(back)).toBe(true)
    for (const _ of [1, 2]) expect(away.open(await back.hearBinary())).toHaveLength(1643)
    expect(localnet.countersOf(away.clientId).dataPacketsPushed).toBe(2)
    back.close()
    await sender.stop()
  })

  it('behavior: while it is away it refuses sockets, and it comes back with everybody it knew', async () => {
    const client = createGatewayClient(localnet.gatewayUrl)
    const before = await client.connect()
    await client.register(before)

    localnet.faults.gatewayAway()
    await before.closed
    await expect(openSocket(localnet.gatewayUrl)).rejects.toThrow()
    localnet.faults.gatewayBack()
    const after = await client.connect()
    expect(await client.authenticate(after)).toBe(true)

    localnet.faults.gatewayAway(1)
    await after.closed
    await until(() => events.filter((type) => type === 'gatewayBack').length === 2)
    ;(await client.connect()).close()
    expect(events).toContain('clientConnected')
    expect(events).toContain('clientDisconnected')
  })

  describe('behavior: closes a socket that does not speak the protocol, and lives on', () => {
    const garbage: [name: string, frames: (string | Uint8Array | object)[]][] = [
      ['no JSON', ['}{']],
      ['JSON without a type', ['[1,2,3]']],
      ['null', ['null']],
      ['a packet before the handshake', [Uint8Array.of(2, 1, 0)]],
      ['an empty handshake', [{ type: 'handshakePayload', data: [] }]],
      ['a handshake of something else', [{ type: 'handshakePayload', data: 'x' }]],
      ['a handshake of numbers that are no bytes', [{ type: 'handshakePayload', data: Array(80).fill(256) }]],
      ['a handshake with a point of small order', [{ type: 'handshakePayload', data: Array(80).fill(0) }]],
      [
        'a second step that proves nothing',
        [registration(), { type: 'handshakePayload', data: Array(92).fill(7) }],
      ],
      ['authentication of nobody', [{ type: 'authenticateV2' }]],
      ['a frame beyond the limit', [new Uint8Array(8_193)]],
      ['text that is not UTF-8 in a text frame beyond the limit', ['a'.repeat(8_193)]],
    ]

    it.each(garbage)('%s', async (_name, frames) => {
      const socket = await openSocket(localnet.gatewayUrl)
      for (const frame of frames) socket.say(frame)
      const { code } = await socket.closed
      expect([1008, 1009]).toContain(code)

      const client = createGatewayClient(localnet.gatewayUrl)
      expect(await client.register(await client.connect())).toBe(true)
    })

    it.each([
      ['noise', (): Uint8Array => randomBytes(2_500)],
      ['too little', (): Uint8Array => Uint8Array.of(2, 1)],
      [
        'a frame that is not encrypted',
        (): Uint8Array => Buffer.concat([Uint8Array.of(2, 0), randomBytes(2_500)]),
      ],
    ])('an admitted client that uploads %s', async (_name, frame) => {
      const client = createGatewayClient(localnet.gatewayUrl)
      const socket = await client.connect()
      await client.register(socket)
      socket.say(frame())
      expect((await socket.closed).code).toBe(1008)
    })

    it('an admitted client that uploads no Sphinx packet', async () => {
      const client = createGatewayClient(localnet.gatewayUrl)
      const socket = await client.connect()
      await client.register(socket)
      socket.say(client.seal(2, Buffer.from('neither rotation nor first hop')))
      expect((await socket.closed).code).toBe(1008)
    })

    it('a Sphinx packet that no mix can read is counted, and nothing else happens', async () => {
      const client = createGatewayClient(localnet.gatewayUrl)
      const socket = await client.connect()
      await client.register(socket)
      const toFirstMix = Uint8Array.of(0, 1, 4, 1789 >> 8, 1789 & 255, 127, 0, 0, 1)
      socket.say(client.seal(2, Buffer.concat([toFirstMix, randomBytes(2413)])))
      socket.say(
        client.seal(2, Buffer.concat([Uint8Array.of(0, 1, 4, 0, 1, 10, 0, 0, 1), randomBytes(2413)])),
      )
      await until(() => localnet.countersOf(client.clientId).unreadablePacketsUp === 2)
      expect(localnet.counters().hops.mix1).toMatchObject({ arrived: 1, unreadable: 1 })
      socket.close()
    })
  })
})

function registration() {
  const data = [...new Uint8Array(32), 9, ...new Uint8Array(47)]
  return { type: 'handshakePayload', protocol_version: 5, data }
}

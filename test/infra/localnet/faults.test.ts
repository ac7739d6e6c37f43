import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { type Localnet, startLocalnet, startWasmClient } from '@veilcast/localnet'
import { createGatewayClient } from '../../support/localnetGatewayClient.ts'
import { createInbox, textOf } from '../../support/localnetInbox.ts'
import { until } from '../../support/until.ts'

const PACKETS = 60

describe('faults', () => {
  const running: { stop(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of running.splice(0).reverse()) await one.stop()
  })

  /** Which of the packets, in the order of their arrival at the first mix, are lost there. */
  async function lostPackets(seed: number): Promise<{ preferredGateway: string; lost: number[] }> {
    const lost: number[] = []
    const localnet: Localnet = await startLocalnet({
      seed,
      lossPerHop: 0.3,
      onEvent: (event) => {
        if (event.type === 'packetLost') lost.push(localnet.counters().hops[event.hop].arrived)
      },
    })
    running.push(localnet)
    const client = createGatewayClient(localnet.gatewayUrl)
    const socket = await client.connect()
    await client.register(socket)
    const toFirstMix = Uint8Array.of(0, 1, 4, 1789 >> 8, 1789 & 255, 127, 0, 0, 1)
    for (let i = 0; i < PACKETS; i++)
      socket.say(client.seal(2, Buffer.concat([toFirstMix, randomBytes(2413)])))
    await until(() => localnet.counters().hops.mix1.arrived === PACKETS)
    socket.close()
    return { preferredGateway: localnet.preferredGateway, lost }
  }

  it('default: a seed loses the same packets and makes the same keys in every run', async () => {
    const [first, again, other] = [await lostPackets(7), await lostPackets(7), await lostPackets(8)]
    expect(first.lost.length).toBeGreaterThan(5)
    expect(first.lost.length).toBeLessThan(35)
    expect(again).toEqual(first)
    expect(other.lost).not.toEqual(first.lost)
    expect(other.preferredGateway).not.toBe(first.preferredGateway)
  })

  it('behavior: what is lost is counted as what it was, and Nym repairs it once the loss ends', async () => {
    const localnet = await startLocalnet({ seed: 3, lossPerHop: 1 })
    running.push(localnet)
    const inbox = createInbox()
    const quiet = {
      ...localnet,
      cover: false,
      pacing: false,
      averagePacketDelayMs: 1,
      ackWaitAdditionMs: 200,
    }
    const receiver = await startWasmClient({ ...quiet, onMessage: inbox.onMessage })
    const sender = await startWasmClient(quiet)
    running.push(receiver, sender)

    await sender.send(receiver.address, Buffer.from('persistent'))
    await until(() => localnet.countersOf(sender.address).dataPacketsLost >= 2)
    expect(localnet.countersOf(sender.address)).toMatchObject({ loopPacketsLost: 0, acksPushed: 0 })
    expect(localnet.countersOf(receiver.address).dataPacketsPushed).toBe(0)

    localnet.faults.setLossPerHop(0)
    expect(textOf(await inbox.next())).toBe('persistent')
    expect(() => localnet.faults.setLossPerHop(1.5)).toThrow('loss must be between 0 and 1')
  })

  it('behavior: questions and answers survive a loss of 5 % at every hop', async () => {
    const localnet = await startLocalnet({ seed: 4, lossPerHop: 0.05 })
    running.push(localnet)
    const quiet = {
      ...localnet,
      cover: false,
      pacing: false,
      averagePacketDelayMs: 1,
      ackWaitAdditionMs: 300,
    }
    const asked = createInbox()
    const answered = createInbox()
    const answerer = await startWasmClient({ ...quiet, onMessage: asked.onMessage })
    const asker = await startWasmClient({ ...quiet, onMessage: answered.onMessage })
    running.push(answerer, asker)

    const questions = Array.from({ length: 10 }, (_, i) => `question ${i}`)
    for (const question of questions) await asker.sendAnonymous(answerer.address, Buffer.from(question), 2)
    for (const _ of questions) {
      const { senderTag, payload } = await asked.next()
      await answerer.reply(senderTag!, payload)
    }
    const answers: string[] = []
    for (const _ of questions) answers.push(textOf(await answered.next()))
    expect(answers.sort()).toEqual(questions)
  })

  it('behavior: cutting one socket leaves the others alone', async () => {
    const localnet = await startLocalnet()
    running.push(localnet)
    const [cut, kept] = [createGatewayClient(localnet.gatewayUrl), createGatewayClient(localnet.gatewayUrl)]
    const [cutSocket, keptSocket] = [await cut.connect(), await kept.connect()]
    await cut.register(cutSocket)
    await kept.register(keptSocket)
    localnet.faults.cutGatewaySockets(`${cut.clientId}.x@y`)
    await cutSocket.closed
    keptSocket.say({ type: 'supportedProtocol' })
    expect((await keptSocket.hear()).version).toBe(5)

    localnet.faults.cutGatewaySockets()
    await keptSocket.closed
  })
})

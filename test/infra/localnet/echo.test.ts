import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Localnet, startLocalnet, startWasmClient, type WasmClient } from '@veilcast/localnet'
import { createInbox, textOf } from '../../support/localnetInbox.ts'

describe('two unmodified clients on a local network', () => {
  let localnet: Localnet
  let asker: WasmClient
  let answerer: WasmClient
  const asked = createInbox()
  const answered = createInbox()

  beforeAll(async () => {
    localnet = await startLocalnet({ seed: 1 })
    // On a busy machine an acknowledgement may be late, and a packet sent again would be counted again.
    const patient = { ...localnet, ackWaitAdditionMs: 60_000, messageSendingAverageDelayMs: 100 }
    answerer = await startWasmClient({ ...patient, onMessage: asked.onMessage })
    asker = await startWasmClient({ ...patient, onMessage: answered.onMessage })
  })
  afterAll(async () => {
    await asker?.stop()
    await answerer?.stop()
    await localnet?.stop()
  })

  it('default: a question crosses the mixnet and its answer comes back over a SURB', async () => {
    await asker.sendAnonymous(answerer.address, Buffer.from('are you there?'), 1)
    const question = await asked.next()
    expect(textOf(question)).toBe('are you there?')
    expect(question.senderTag).toHaveLength(16)

    await answerer.reply(question.senderTag!, Buffer.from('yes'))
    expect(textOf(await answered.next())).toBe('yes')
  })

  it('behavior: a small message is one packet and its answer another, with cover and pacing on', async () => {
    localnet.resetCounters()
    await asker.sendAnonymous(answerer.address, Buffer.from('how much?'), 2)
    const question = await asked.next()
    expect(localnet.countersOf(asker.address)).toMatchObject({ dataPacketsUp: 1, dataPacketsPushed: 0 })
    expect(localnet.countersOf(answerer.address)).toMatchObject({ dataPacketsUp: 0, dataPacketsPushed: 1 })

    await answerer.reply(question.senderTag!, Buffer.from('one packet'))
    await answered.next()
    expect(localnet.countersOf(asker.address)).toMatchObject({ dataPacketsUp: 1, dataPacketsPushed: 1 })
    expect(localnet.countersOf(answerer.address)).toMatchObject({ dataPacketsUp: 1, dataPacketsPushed: 1 })
  })

  it('behavior: a message to oneself counts as loop, like cover', async () => {
    localnet.resetCounters()
    await asker.send(asker.address, Buffer.from('note to self'))
    expect(textOf(await answered.next())).toBe('note to self')

    const { dataPacketsUp, dataPacketsPushed, loopPacketsUp, loopPacketsPushed } = localnet.countersOf(
      asker.address,
    )
    expect({ dataPacketsUp, dataPacketsPushed }).toEqual({ dataPacketsUp: 0, dataPacketsPushed: 0 })
    expect(loopPacketsUp).toBeGreaterThanOrEqual(1)
    expect(loopPacketsPushed).toBeGreaterThanOrEqual(1)
  })

  it('behavior: a message of several packets arrives whole', async () => {
    localnet.resetCounters()
    const long = Buffer.alloc(5_000, 'veil')
    await asker.send(answerer.address, long)
    const received = await asked.next()
    expect(Buffer.from(received.payload).equals(long)).toBe(true)
    expect(received.senderTag).toBeUndefined()
    expect(localnet.countersOf(asker.address).dataPacketsUp).toBe(4)
  })

  it('behavior: every hop could read every packet', () => {
    const { hops, acksLost, unknownRecipient } = localnet.counters()
    for (const hop of Object.values(hops)) {
      expect(hop.arrived).toBeGreaterThan(0)
      expect(hop).toMatchObject({ lost: 0, overflowed: 0, unreadable: 0 })
    }
    expect({ acksLost, unknownRecipient }).toEqual({ acksLost: 0, unknownRecipient: 0 })
  })
})

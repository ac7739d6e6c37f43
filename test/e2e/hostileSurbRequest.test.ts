import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type ClientCounters, type Localnet, startLocalnet } from '@veilcast/localnet'
import type { MixnetAddress, MixnetDialer } from '@veilcast/shared/mixnet'
import { createNymWasmDialer } from '@veilcast/shared/mixnet/nym-wasm'
import { chromiumPath } from '../support/chromium.ts'
import { type BrowserDialers, startBrowserDialers } from '../support/mixnetBrowser.ts'
import { createStopper } from '../support/mixnetReader.ts'
import { type RawNymClient, startRawNymClient } from '../support/rawNymClient.ts'
import { until } from '../support/until.ts'

/** Far more than anything but hundreds of SURBs takes. */
const manyPackets = 20
/** The message to the bystander and the one to the service. */
const packetsOfItsOwn = 2
const lookMs = 2500
const limitMs = 120_000

describe('a service that asks for 500 SURBs', () => {
  let localnet: Localnet
  let bystander: RawNymClient
  let browser: BrowserDialers | undefined
  const remember = createStopper()

  beforeAll(async () => {
    localnet = await startLocalnet({ seed: 11 })
    bystander = await startRawNymClient(localnet)
    browser = chromiumPath ? await startBrowserDialers() : undefined
  }, 60_000)
  afterEach(remember.stopAll)
  afterAll(async () => {
    await browser?.stop()
    await bystander?.stop()
    await localnet?.stop()
  })

  /** It never answers with fewer than 200 SURBs in hand, and asks for 500 at a time. */
  const startService = async () =>
    remember(
      await startRawNymClient(localnet, {
        minimumReplySurbStorageThreshold: 200,
        maximumReplySurbStorageThreshold: 1000,
        minimumReplySurbRequestSize: 500,
        maximumReplySurbRequestSize: 500,
      }),
    )

  /** Nothing was counted for a while, and nothing is under way. */
  async function untilQuiet(): Promise<void> {
    let before = ''
    await until(() => {
      const counters = localnet.counters()
      const isStill = before === JSON.stringify(counters)
      before = JSON.stringify(counters)
      return isStill && Object.values(counters.clients).every(({ packetsInFlight }) => packetsInFlight === 0)
    }, 300)
  }

  /** A wallet sends the bystander and the service a message with a SURB, and the service demands more; what the wallet's client sends and has sent. */
  async function demand(
    service: RawNymClient,
    send: (to: MixnetAddress) => Promise<unknown>,
    known: readonly string[],
  ) {
    // What clients of before had still under way is nobody's any more.
    await untilQuiet()
    localnet.resetCounters()
    // Nym gives SURBs to nobody whom it never wrote to: the bystander is another service of the wallet's.
    await send(bystander.address as MixnetAddress)
    await bystander.next()
    await send(service.address as MixnetAddress)
    const { tag } = await service.next()
    void service.reply(tag, Buffer.from('one more thing'))
    // It may have asked as soon as the message came: its packets are counted from its start, and all but the demand come after it.
    await until(() => {
      const { dataPacketsUp, packetsInFlight } = localnet.countersOf(service.address)
      return dataPacketsUp > 0 && packetsInFlight === 0
    })
    const wallet = () =>
      Object.entries(localnet.counters().clients).find(
        ([id, { dataPacketsUp }]) => !known.includes(id) && dataPacketsUp > 0,
      )?.[1]
    return { wallet: wallet as () => ClientCounters }
  }

  const idOf = (client: { address: string }) => client.address.split('.')[0]!

  async function ofUnprotected(named: boolean) {
    const service = await startService()
    if (named) await service.claim(bystander.address)
    const naive = remember(await startRawNymClient(localnet))
    return demand(service, (to) => naive.sendAnonymous(to, Buffer.from('hello'), 1), [
      idOf(service),
      idOf(bystander),
    ])
  }

  it(
    'has hundreds from a client under the defaults of Nym, which shows that this test can fail',
    async () => {
      const { wallet } = await ofUnprotected(false)
      await until(() => wallet().dataPacketsUp > manyPackets)
    },
    limitMs,
  )

  it(
    'has them sent to whomever it names, as well',
    async () => {
      await ofUnprotected(true)
      await until(() => localnet.countersOf(bystander.address).dataPacketsPushed > manyPackets)
    },
    limitMs,
  )

  const quick = () => ({
    nymApiUrl: localnet.nymApiUrl,
    preferredGateway: localnet.preferredGateway,
    disableCoverTraffic: true,
    disablePacing: true,
    averagePacketDelayMs: 1,
    pingIntervalMs: 600_000,
  })
  const dialers: readonly { name: string; open: () => Promise<MixnetDialer> }[] = [
    { name: 'a wallet over nymWasm', open: async () => createNymWasmDialer(quick()) },
    ...(chromiumPath
      ? [
          {
            name: 'a wallet over nymSdk in Chromium',
            open: () => (browser as BrowserDialers).create(quick()),
          },
        ]
      : []),
  ]

  it.each(dialers)(
    'has no packet from $name, whomever it names',
    async ({ open }) => {
      for (const named of [false, true]) {
        const service = await startService()
        if (named) await service.claim(bystander.address)
        const dialer = remember(await open())
        await dialer.start()
        const { wallet } = await demand(service, (to) => dialer.send(to, Buffer.from('hello'), 1), [
          idOf(service),
          idOf(bystander),
        ])
        await delay(lookMs)
        expect(wallet()).toMatchObject({
          dataPacketsUp: packetsOfItsOwn,
          unreadablePacketsUp: 0,
          packetsInFlight: 0,
        })
        expect(wallet().dataPacketsPushed).toBeGreaterThan(0)
        expect(localnet.countersOf(bystander.address).dataPacketsPushed).toBe(1)
        await remember.stopAll()
      }
    },
    limitMs,
  )
})

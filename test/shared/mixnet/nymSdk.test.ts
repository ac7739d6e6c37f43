import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import { describeMixnetContract } from '../../contract/mixnet.ts'
import { describeInChromium } from '../../support/chromium.ts'
import { type BrowserDialers, startBrowserDialers } from '../../support/mixnetBrowser.ts'
import { createStopper, readFrom } from '../../support/mixnetReader.ts'
import { until } from '../../support/until.ts'

describeInChromium('the browser transport', () => {
  let localnet: Localnet
  let dialers: BrowserDialers

  const remember = createStopper()
  afterEach(remember.stopAll)
  beforeAll(async () => {
    ;[localnet, dialers] = await Promise.all([startLocalnet({ seed: 2 }), startBrowserDialers()])
  })
  afterAll(async () => {
    await dialers?.stop()
    await localnet?.stop()
  })

  const quick = () => ({
    nymApiUrl: localnet.nymApiUrl,
    disableCoverTraffic: true,
    disablePacing: true,
    averagePacketDelayMs: 1,
    pingIntervalMs: 300,
    lostAfterMs: 20_000,
    minBackoffMs: 20,
    maxBackoffMs: 200,
  })

  describeMixnetContract(
    'nymSdk',
    async () => ({ dialer: await dialers.create(quick()), listener: createNymWasmListener(quick()) }),
    { plainWithoutSurbs: false, keepsAddress: false },
  )

  describe('nymSdk', () => {
    it('default: nothing of Node and nothing of the other transports reaches a page', () => {
      const foreign = [...dialers.served].filter((path) =>
        /nymWasm|nymSocket|loopback|\/ws\/|indexeddb/.test(path),
      )
      expect(foreign).toEqual([])
      expect(dialers.served).toContain('/node_modules/@nymproject/sdk-full-fat/index.js')
    })

    it('behavior: a lost gateway is noticed by silence, and the dialer starts anew', async () => {
      const listener = remember(createNymWasmListener(quick()))
      const dialer = remember(await dialers.create({ ...quick(), lostAfterMs: 3_000 }))
      await Promise.all([listener.start(), dialer.start()])
      const [requests, replies] = [readFrom(listener.requests()), readFrom(dialer.replies())]
      await dialer.send(listener.address(), Uint8Array.of(1), 1)
      const before = await requests.next()
      const restarted = new Promise<void>((resolve) => dialer.onRestart(resolve))
      localnet.faults.gatewayAway(500)
      await restarted
      await dialer.send(listener.address(), Uint8Array.of(2), 1)
      const after = await requests.next()
      expect(after.replyTo).not.toBe(before.replyTo)
      await until(() => listener.connected())
      await listener.reply(after.replyTo!, Uint8Array.of(22))
      expect([...(await replies.next())]).toEqual([22])
      await Promise.all([listener.stop(), dialer.stop()])
    })

    it('behavior: stop ends the thread, and forgets the identity', async () => {
      const dialer = await dialers.create({ ...quick(), disablePacing: false, disableCoverTraffic: false })
      await dialer.start()
      expect(dialer.page.workers()).toHaveLength(1)
      await dialer.stop()
      await until(() => dialer.page.workers().length === 0)
      expect(await dialer.page.evaluate(() => indexedDB.databases())).toEqual([])
    })
  })
})

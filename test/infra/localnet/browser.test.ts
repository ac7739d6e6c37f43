import { afterAll, beforeAll, expect, it } from '@jest/globals'
import {
  type Localnet,
  nymClientOptions,
  startLocalnet,
  startWasmClient,
  type WasmClient,
} from '@veilcast/localnet'
import { describeInChromium } from '../../support/chromium.ts'
import { openSdkPage } from '../../support/localnetChromium.ts'

type Sdk = {
  client: {
    start(options: object): Promise<void>
    stop(): Promise<void>
    rawSend(message: { payload: Uint8Array; recipient: string; replySurbs: number }): Promise<void>
  }
  events: Record<string, (take: (event: { args: { payload: Uint8Array } }) => void) => void>
}
type SdkPage = { createNymMixnetClient(): Promise<Sdk>; sdk: Sdk }

describeInChromium('the browser SDK on a local network', () => {
  let localnet: Localnet
  let answerer: WasmClient
  let browser: Awaited<ReturnType<typeof openSdkPage>>

  beforeAll(async () => {
    localnet = await startLocalnet({ seed: 5 })
    answerer = await startWasmClient({
      ...localnet,
      messageSendingAverageDelayMs: 100,
      onMessage: ({ payload, senderTag }) => {
        if (senderTag) void answerer.reply(senderTag, Buffer.from(`you said ${Buffer.from(payload)}`))
      },
    })
    browser = await openSdkPage()
  })
  afterAll(async () => {
    await browser?.close()
    await answerer?.stop()
    await localnet?.stop()
  })

  it('default: an unmodified SDK in Chromium asks, and gets its answer over a SURB', async () => {
    const options = nymClientOptions(localnet, 'browser', { messageSendingAverageDelayMs: 100 })
    const answer = await browser.page.evaluate(
      async ({ options, recipient }) => {
        const { createNymMixnetClient } = globalThis as unknown as SdkPage
        const sdk = await createNymMixnetClient()
        Object.assign(globalThis, { sdk })
        // start() settles before there is a connection, and what is sent until then is dropped.
        const connected = new Promise<void>((resolve) => sdk.events.subscribeToConnected!(() => resolve()))
        await sdk.client.start(options)
        await connected
        const answered = new Promise<string>((resolve) => {
          sdk.events.subscribeToRawMessageReceivedEvent!(({ args }) =>
            resolve(new TextDecoder().decode(args.payload)),
          )
        })
        await sdk.client.rawSend({ payload: new TextEncoder().encode('hello'), recipient, replySurbs: 2 })
        return answered
      },
      { options, recipient: answerer.address },
    )
    expect(answer).toBe('you said hello')
    expect(localnet.countersOf(answerer.address)).toMatchObject({ dataPacketsPushed: 1, dataPacketsUp: 1 })
  })

  it('behavior: the page reaches nothing but the local network', async () => {
    const foreign = await browser.page.evaluate(() =>
      performance.getEntriesByType('resource').map((entry) => new URL(entry.name).hostname),
    )
    expect(new Set(foreign)).toEqual(new Set(['127.0.0.1']))
  })
})

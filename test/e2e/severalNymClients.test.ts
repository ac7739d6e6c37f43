import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import type { MixnetListener } from '@veilcast/shared/mixnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { signEthTransfer } from '../support/devnetSign.ts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  type TestBroadcaster,
} from '../support/path.ts'
import { until } from '../support/until.ts'

/** Tells by which of them each reply went. */
function watched(listener: MixnetListener, onReply: () => void): MixnetListener {
  return {
    start: (wait) => listener.start(wait),
    stop: () => listener.stop(),
    address: () => listener.address(),
    requests: () => listener.requests(),
    reply(to, payload, wait) {
      onReply()
      return listener.reply(to, payload, wait)
    },
  }
}

describe('a broadcaster with two Nym clients', () => {
  const loopback = createLoopback({ seed: 12 })
  const replies = [0, 0]
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let anvil: Anvil
  let broadcaster: TestBroadcaster

  beforeAll(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({ blockTimeMs: 300 })
    broadcaster = await startTestBroadcaster({
      listener: replies.map((_, index) => watched(loopback.listener(), () => replies[index]!++)),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil)],
    })
  }, 180_000)
  afterAll(async () => {
    await broadcaster?.stop()
    await anvil?.stop()
    await folder?.remove()
  }, 60_000)

  it('default: both addresses serve, and each answers on the way that it was asked', async () => {
    expect(new Set(broadcaster.addresses()).size).toBe(2)
    // One dialer, and so perhaps one tag at both.
    for (const [index, address] of broadcaster.addresses().entries()) {
      const before = [...replies]
      const client = createClient({ mixnet: loopback.dialer(), broadcasters: [address] })
      await client.start()
      const from = anvil.accounts[index]!
      const signedTx = await signEthTransfer(anvil, { from, to: anvil.accounts[9]!.address, valueWei: 1n })
      expect(await client.submit({ chain: anvil.chainId, signedTx })).toMatchObject({ ok: true })
      await client.stop()
      expect(replies[index]).toBeGreaterThan(before[index]!)
      expect(replies[1 - index]).toBe(before[1 - index])
    }
  })

  it('behavior: who turns to the other address with the same request is answered there', async () => {
    const dialer = loopback.dialer()
    const client = createClient({
      mixnet: dialer,
      broadcasters: broadcaster.addresses(),
      timing: { firstRepeatMs: 100, laterRepeatMs: 200, maxRepeatMs: 400 },
    })
    await client.start()
    // Nothing is answered until the client has gone on to the other.
    loopback.set({ loss: 1 })
    const from = anvil.accounts[2]!
    const signedTx = await signEthTransfer(anvil, { from, to: anvil.accounts[9]!.address, valueWei: 1n })
    const before = [...replies]
    const submitting = client.submit({ chain: anvil.chainId, signedTx })
    const sentBefore = loopback.counters.requests
    await until(() => loopback.counters.requests >= sentBefore + 6)
    loopback.set({})
    expect(await submitting).toMatchObject({ ok: true })
    await client.stop()
    expect(replies[0]! + replies[1]!).toBeGreaterThan(before[0]! + before[1]!)
  })
})

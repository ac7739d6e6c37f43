import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type ClientOptions, createClient, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { createNymWasmDialer, createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import { patient } from '../support/client.ts'
import { signEthTransfer } from '../support/devnetSign.ts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  type TestBroadcaster,
} from '../support/path.ts'
import { until } from '../support/until.ts'

/**
 * SURBs are pooled per sender and spent oldest first. A reply that nobody paid for waits in the pool and eats one of the
 * sender's next request: it must never be sent.
 */
describe('stale replies never eat the SURBs of the next request', () => {
  let anvil: Anvil
  let broadcaster: TestBroadcaster
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let client: VeilcastClient
  const loopback = createLoopback({ seed: 9 })
  const { counters } = loopback

  beforeAll(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({ blockTimeMs: 300 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil)],
    })
  }, 60_000)
  afterAll(async () => {
    await broadcaster?.stop()
    await anvil?.stop()
    await folder?.remove()
  })

  const lateMs = 600
  let sender = 0
  beforeEach(() => {
    loopback.set({})
    sender += 1
  })

  /** A wallet of its own for each test: a tag, a pool and an account. */
  async function withClient(options: Partial<ClientOptions>, act: () => Promise<void>): Promise<void> {
    client = createClient({ mixnet: loopback.dialer(), broadcasters: [broadcaster.address()], ...options })
    await client.start()
    try {
      await act()
    } finally {
      await client.stop()
    }
  }

  const sign = (nonce = 0, data?: `0x${string}`) =>
    signEthTransfer(anvil, {
      from: anvil.accounts[sender]!,
      to: anvil.accounts[0]!.address,
      valueWei: 1n,
      nonce,
      ...(data && { data, gas: 100_000n }),
    })

  it('although every message comes twice', () =>
    withClient({}, async () => {
      const before = { ...counters }
      loopback.set({ duplication: 1, delayMs: { min: 0, max: lateMs } })
      const receipts = await Promise.all(
        [0, 1, 2].map(async (nonce) =>
          // With 300 bytes of data two SURBs ride along, just what is needed.
          client.submit({ chain: anvil.chainId, signedTx: await sign(nonce, `0x${'11'.repeat(300)}`) }),
        ),
      )
      await delay(lateMs)
      for (const receipt of receipts) expect(receipt.messages).toMatchObject({ sent: 1, surbs: 2 })
      expect(counters.replies - before.replies).toBe(6)
      expect(counters.repliesWaiting).toBe(0)

      loopback.set({})
      const next = client.submit({ chain: anvil.chainId, signedTx: await sign(3), until: 'accepted' })
      expect((await next).messages.sent).toBe(1)
    }))

  it('although a wallet goes away before its answer comes, and asks for something else', () =>
    withClient({}, async () => {
      const before = { ...counters }
      const abort = new AbortController()
      const abandoned = client.submit(
        { chain: anvil.chainId, signedTx: await sign(0), until: 'final', everyStage: true },
        {
          signal: abort.signal,
          onProgress: ({ stage }) => stage === 'accepted' && abort.abort(),
        },
      )
      await expect(abandoned).rejects.toMatchObject({ errorName: 'aborted', outcome: 'unknown' })

      // The abandoned one goes on, and its answers are nobody's: each is paid for by a SURB of its own.
      const receipt = await client.submit({ chain: anvil.chainId, signedTx: await sign(1) })
      expect(receipt.ok).toBe(true)
      expect(receipt.messages.sent).toBe(1)
      await until(() => client.ignored.unasked > 0)
      expect(counters.repliesWaiting).toBe(0)
      expect(counters.replies - before.replies).toBeLessThanOrEqual(counters.surbs - before.surbs)
    }))
})

describe('nor over a Nym network', () => {
  let anvil: Anvil
  let localnet: Localnet
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>

  beforeAll(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({ blockTimeMs: 300 })
    localnet = await startLocalnet({ seed: 8 })
    const { nymApiUrl, preferredGateway } = localnet
    const quick = { nymApiUrl, preferredGateway, disableCoverTraffic: true, disablePacing: true }
    broadcaster = await startTestBroadcaster({
      listener: createNymWasmListener({ ...quick, pingIntervalMs: 600_000 }),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil)],
    })
    client = createClient({
      mixnet: createNymWasmDialer({ ...quick, pingIntervalMs: 600_000 }),
      broadcasters: [broadcaster.address()],
      // Nothing is asked twice: whose SURBs are eaten has no answer.
      timing: patient,
    })
    await client.start()
  }, 120_000)
  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await localnet?.stop()
    await anvil?.stop()
    await folder?.remove()
  })

  it('although wallets go away before their answers come, with SURBs unspent', async () => {
    const sign = (sender: number) =>
      signEthTransfer(anvil, {
        from: anvil.accounts[sender]!,
        to: anvil.accounts[0]!.address,
        valueWei: 1n,
      })
    for (const sender of [1, 2, 3]) {
      const abort = new AbortController()
      const abandoned = client.submit(
        { chain: anvil.chainId, signedTx: await sign(sender), until: 'final' },
        { signal: abort.signal, onProgress: ({ stage }) => stage === 'accepted' && abort.abort() },
      )
      await expect(abandoned).rejects.toMatchObject({ errorName: 'aborted', outcome: 'unknown' })
    }
    const answered = await client.submit({ chain: anvil.chainId, signedTx: await sign(4), until: 'final' })
    expect(answered).toMatchObject({ ok: true, messages: { sent: 1 } })
    // The answers to the abandoned ones come too, on their own SURBs, and are nobody's.
    await until(() => client.ignored.unasked >= 3)
    const again = await client.submit({ chain: anvil.chainId, signedTx: await sign(5) })
    expect(again).toMatchObject({ ok: true, messages: { sent: 1 } })
  }, 60_000)
})

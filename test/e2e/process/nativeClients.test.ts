import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createClient, type Receipt, type VeilcastClient } from '@veilcast/client'
import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import {
  type Localnet,
  type NativeClientStandIn,
  startLocalnet,
  startNativeClientStandIn,
} from '@veilcast/localnet'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import { endAll, kill9, runBroadcaster, writeConfig } from '../../support/processes.ts'
import { makeFleet } from '../../support/processFleet.ts'
import { describeWithRedis, startRedis } from '../../support/store.ts'

const limitMs = 180_000

describe('two native Nym clients behind one broadcaster', () => {
  let localnet: Localnet
  let natives: NativeClientStandIn[]
  let anvil: Anvil
  let folder: Awaited<ReturnType<typeof makeFolder>>

  beforeAll(async () => {
    localnet = await startLocalnet()
    const { nymApiUrl, preferredGateway } = localnet
    const profile = { nymApiUrl, preferredGateway, cover: false, pacing: false }
    natives = await Promise.all([startNativeClientStandIn(profile), startNativeClientStandIn(profile)])
    anvil = await startAnvil({ blockTimeMs: 300 })
    folder = await makeFolder()
  }, limitMs)
  const undo: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    await endAll()
    for (const step of undo.splice(0).reverse()) await step()
  }, limitMs)
  afterAll(async () => {
    for (const native of natives ?? []) await native.stop()
    await anvil?.stop()
    await localnet?.stop()
    await folder?.remove()
  }, limitMs)

  async function openWallet(broadcasters: readonly string[]): Promise<VeilcastClient> {
    const mixnet = createNymWasmDialer({
      nymApiUrl: localnet.nymApiUrl,
      preferredGateway: localnet.preferredGateway,
      disableCoverTraffic: true,
      disablePacing: true,
    })
    const client = createClient({ mixnet, broadcasters })
    await client.start()
    return client
  }

  /** By a wallet of its own, at one address. */
  async function submit(address: string, nonce: number): Promise<Receipt> {
    const client = await openWallet([address])
    try {
      const [from, to] = anvil.accounts
      const signedTx = await signEthTransfer(anvil, { from: from!, to: to!.address, valueWei: 1n, nonce })
      return await client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: 120_000 })
    } finally {
      await client.stop()
    }
  }

  it(
    "default: in place of Nym's own client by the configuration alone, both serve, and still do after a crash",
    async () => {
      const configFile = await writeConfig(folder.path, localnet, [anvilSetup(anvil)], {
        mixnet: natives.map(({ url }) => ({ transport: 'nym-socket', url })),
      })
      const first = await runBroadcaster(configFile)
      const addresses = natives.map(({ address }) => address)
      expect(first.addresses).toEqual(addresses)
      const ready = await fetch(`${first.dashboard}/readyz`)
      expect(await ready.json()).toMatchObject({ ready: true, mixnets: { 'nym-1': true, 'nym-2': true } })
      for (const [nonce, address] of addresses.entries()) {
        expect(await submit(address, nonce)).toMatchObject({ ok: true })
        // The answer went up through the native client that was asked.
        expect(localnet.countersOf(address).dataPacketsUp).toBeGreaterThan(0)
      }

      await kill9(first)
      const second = await runBroadcaster(configFile)
      expect(second.addresses).toEqual(addresses)
      expect(await submit(addresses[1]!, 2)).toMatchObject({ ok: true })
      second.child.kill('SIGTERM')
      expect((await second.ended).code).toBe(0)
    },
    limitMs,
  )

  describeWithRedis('an ingress with both and two workers, of which one is killed', () => {
    it(
      'answers forty submissions of two wallets, each once on chain',
      async () => {
        const redis = await startRedis()
        const fleet = await makeFleet({
          store: { kind: 'redis', url: redis.url },
          chains: [anvilSetup(anvil)],
        })
        undo.push(redis.stop, fleet.remove)
        const [door, worker] = await Promise.all([
          fleet.start(
            'ingress',
            natives.map(({ url }) => url),
          ),
          fleet.start('worker'),
          fleet.start('worker'),
        ])
        const wallets: VeilcastClient[] = []
        for (const address of door.addresses) {
          const wallet = await openWallet([address])
          undo.push(() => wallet.stop())
          wallets.push(wallet)
        }
        let killing: Promise<void> | undefined
        const submitting = wallets.flatMap((wallet, index) =>
          Array.from({ length: 20 }, async (_, nonce) => {
            const [from, to] = [anvil.accounts[2 + index]!, anvil.accounts[9]!]
            const signedTx = await signEthTransfer(anvil, { from, to: to.address, valueWei: 1n, nonce })
            const receipt = await wallet.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: 150_000 })
            killing ??= kill9(worker)
            return receipt
          }),
        )
        const receipts = await Promise.all(submitting)
        await killing
        expect(receipts.filter(({ ok }) => ok !== true)).toEqual([])
        for (const { address } of anvil.accounts.slice(2, 4)) {
          expect(await anvil.rpc('eth_getTransactionCount', [address, 'latest'])).toBe('0x14')
        }
      },
      limitMs,
    )
  })
})

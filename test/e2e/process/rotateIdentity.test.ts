import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import {
  type BroadcasterProcess,
  endAll,
  quietConfig,
  runBroadcaster,
  writeConfig,
} from '../../support/processes.ts'

const limitMs = 240_000
let localnet: Localnet
let anvil: Anvil
let folder: Awaited<ReturnType<typeof makeFolder>>
const clients: VeilcastClient[] = []

beforeAll(async () => {
  localnet = await startLocalnet()
  anvil = await startAnvil()
}, limitMs)
afterAll(async () => {
  await anvil?.stop()
  await localnet?.stop()
})
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop()
  await endAll()
  await folder.remove()
}, limitMs)

it(
  'the Nym identity: a new one beside the old, both served for a time, then the new one alone',
  async () => {
    const { mixnet } = quietConfig(localnet, [])
    const next = { ...mixnet, identityFile: 'data/next.identity' }
    const start = async (mixnets: object): Promise<BroadcasterProcess> =>
      runBroadcaster(await writeConfig(folder.path, localnet, [anvilSetup(anvil)], { mixnet: mixnets }))
    const stop = async ({ child, ended }: BroadcasterProcess): Promise<void> => {
      child.kill('SIGTERM')
      expect((await ended).code).toBe(0)
    }
    async function wallet(address: string): Promise<VeilcastClient> {
      const { nymApiUrl, preferredGateway } = localnet
      const quiet = { disableCoverTraffic: true, disablePacing: true }
      const client = createClient({
        mixnet: createNymWasmDialer({ nymApiUrl, preferredGateway, ...quiet }),
        broadcasters: [address],
      })
      clients.push(client)
      await client.start()
      return client
    }
    let account = 0
    async function submitOver(client: VeilcastClient): Promise<void> {
      const from = anvil.accounts[account++]!
      const signedTx = await signEthTransfer(anvil, { from, to: anvil.accounts[9]!.address, valueWei: 1n })
      const receipt = await client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: limitMs })
      expect(receipt).toMatchObject({ ok: true })
    }

    let broadcaster = await start(mixnet)
    const old = broadcaster.address
    const wallets = [await wallet(old)]
    await submitOver(wallets[0]!)
    await stop(broadcaster)

    broadcaster = await start([mixnet, next])
    expect(broadcaster.addresses).toHaveLength(2)
    expect(broadcaster.addresses[0]).toBe(old)
    const fresh = broadcaster.addresses[1]!
    expect(fresh).not.toBe(old)
    wallets.push(await wallet(fresh))
    for (const client of wallets) await submitOver(client)
    await stop(broadcaster)

    broadcaster = await start(next)
    expect(broadcaster.addresses).toEqual([fresh])
    await submitOver(wallets[1]!)
    await stop(broadcaster)
  },
  limitMs,
)

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { StoreConfig } from '@veilcast/broadcaster'
import { createClient, type Progress, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { signEthTransfer } from '../support/devnetSign.ts'
import { type FakeNativeClient, startFakeNativeClient } from '../support/mixnetNativeClient.ts'
import { anvilSetup } from '../support/path.ts'
import { type BroadcasterProcess, endAll, kill9 } from '../support/processes.ts'
import { type Fleet, makeFleet } from '../support/processFleet.ts'
import { describeWithRedis, startPostgres, startRedis } from '../support/store.ts'
import { until } from '../support/until.ts'

const limitMs = 180_000
/** Not so soon that a repetition would be taken for a copy. */
const timing = { firstRepeatMs: 3_000, laterRepeatMs: 3_000, maxRepeatMs: 4_000 }

describeWithRedis('over Redis', () => roles('redis', startRedis))
describe('over Postgres', () => roles('postgres', startPostgres))

function roles(
  kind: 'redis' | 'postgres',
  startServer: () => Promise<{ url: string; stop(): Promise<void> }>,
) {
  describe('an ingress and a worker, each a process', () => {
    const loopback = createLoopback({ seed: 21 })
    let anvil: Anvil
    let server: Awaited<ReturnType<typeof startServer>>
    let fleet: Fleet
    let natives: FakeNativeClient[]
    let client: VeilcastClient
    let account = 0

    beforeAll(async () => {
      anvil = await startAnvil()
      await anvil.setAutomine(false)
      server = await startServer()
      const store: StoreConfig = { kind, url: server.url }
      fleet = await makeFleet({ store, chains: [anvilSetup(anvil)] })
      natives = [await startFakeNativeClient(loopback), await startFakeNativeClient(loopback)]
      client = createClient({
        mixnet: loopback.dialer(),
        broadcasters: natives.map(({ address }) => address),
        timing,
      })
      await client.start()
    }, limitMs)
    afterEach(endAll)
    afterAll(async () => {
      await client?.stop()
      for (const native of natives ?? []) await native.stop()
      await server?.stop()
      await anvil?.stop()
      await fleet?.remove()
    }, limitMs)

    const ingress = (index: number): Promise<BroadcasterProcess> =>
      fleet.start('ingress', [natives[index]!.url])

    /** Resolves with its hash in anvil's pool; `answered` with what the caller is told in the end. */
    async function submit() {
      const from = anvil.accounts[account++]!
      const signedTx = await signEthTransfer(anvil, { from, to: anvil.accounts[9]!.address, valueWei: 1n })
      const heard: Progress[] = []
      const answered = client.submit(
        { chain: anvil.chainId, signedTx, until: 'included' },
        { timeoutMs: 120_000, onProgress: (event) => heard.push(event) },
      )
      answered.catch(() => {})
      return { answered, heard, stages: () => heard.map(({ stage }) => stage) }
    }

    const pooled = async (): Promise<number> =>
      Number((await anvil.rpc<{ pending: string }>('txpool_status')).pending)

    it(
      "default: the worker's news reaches the ingress that was asked",
      async () => {
        const [door, worker] = await Promise.all([ingress(0), fleet.start('worker')])
        expect(door.addresses).toEqual([natives[0]!.address])
        expect(worker.addresses).toEqual([])
        const { answered } = await submit()
        await until(async () => (await pooled()) === 1)
        await anvil.mine()
        expect(await answered).toMatchObject({ ok: true })
      },
      limitMs,
    )

    it(
      'behavior: an ingress alone takes what the next worker hands over, and a killed worker leaves it to another',
      async () => {
        await ingress(0)
        const { answered, stages } = await submit()
        await until(() => stages().includes('accepted'))
        const first = await fleet.start('worker')
        await until(async () => (await pooled()) === 1)
        await kill9(first)
        await anvil.mine()
        await fleet.start('worker')
        expect(await answered).toMatchObject({ ok: true })
      },
      limitMs,
    )

    it(
      'behavior: an ingress is killed with all that it knew, and the client asks another',
      async () => {
        const [first] = await Promise.all([ingress(0), ingress(1), fleet.start('worker')])
        const { answered, stages } = await submit()
        await until(async () => stages().includes('accepted') && (await pooled()) === 1)
        await kill9(first)
        await anvil.mine()
        expect(await answered).toMatchObject({ ok: true })
      },
      limitMs,
    )
  })
}

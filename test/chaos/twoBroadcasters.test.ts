import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import type { StoreConfig } from '@veilcast/broadcaster'
import { createClient } from '@veilcast/client'
import { type Anvil, type AnvilAccount, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import pg from 'pg'
import { crashChain, type Kill, startCrashing, timing } from '../support/crash.ts'
import { signEthTransfer } from '../support/devnetSign.ts'
import { startFakeNativeClient } from '../support/mixnetNativeClient.ts'
import { makeFolder } from '../support/path.ts'
import { endAll } from '../support/processes.ts'
import { describeWithRedis, startPostgres, startRedis } from '../support/store.ts'
import { until } from '../support/until.ts'

const limitMs = 300_000
const loopback = createLoopback({ seed: 4 })
const secret = randomBytes(32).toString('hex')
let anvil: Anvil
beforeAll(async () => {
  anvil = await startAnvil({ blockTimeMs: 1000 })
})
afterAll(() => anvil?.stop())
afterEach(endAll)

describeWithRedis('two broadcasters over one store, of which the one at work is killed', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  beforeAll(async () => {
    redis = await startRedis()
    postgres = await startPostgres()
  }, limitMs)
  afterAll(async () => {
    await redis?.stop()
    await postgres?.stop()
  }, limitMs)

  /** Whichever of the two comes to the point first ends itself there, for good. */
  async function takeOver(store: StoreConfig, from: AnvilAccount, kill: Kill): Promise<void> {
    const folder = await makeFolder()
    const natives = await Promise.all([startFakeNativeClient(loopback), startFakeNativeClient(loopback)])
    const two = natives.map(({ url }) =>
      startCrashing({
        store,
        secret,
        chain: crashChain(anvil),
        socketUrl: url,
        armed: true,
        kill: { ...kill, onceFile: join(folder.path, 'killed') },
      }),
    )
    const client = createClient({
      mixnet: loopback.dialer(),
      broadcasters: natives.map(({ address }) => address),
      timing,
    })
    try {
      await Promise.all(two.map((one) => one.said(/^ready/)))
      await client.start()
      const signedTx = await signEthTransfer(anvil, { from, to: anvil.accounts[9]!.address, valueWei: 1n })
      // To the end: what was not final would be matched by the next two while they start, and be their point.
      const receipt = await client.submit(
        { chain: anvil.chainId, signedTx, until: 'final' },
        { timeoutMs: 240_000 },
      )
      expect(receipt).toMatchObject({ ok: true })
      const killed = () => two.filter(({ child }) => child.signalCode === 'SIGKILL').length
      await until(() => killed() === 1)
      expect(two.filter(({ child }) => child.exitCode === null && child.signalCode === null)).toHaveLength(1)
    } finally {
      await client.stop()
      for (const { child, ended } of two) {
        child.kill('SIGKILL')
        await ended
      }
      for (const native of natives) await native.stop()
      await folder.remove()
    }
  }

  it(
    'the other goes on with its job, and the client has its answer',
    async () => {
      const kills: Kill[] = [
        { name: 'lease:lane', nth: 1, when: 'after' },
        { name: 'submit', nth: 1, when: 'during' },
        { name: 'match', nth: 1, when: 'after' },
      ]
      const client = new pg.Client({ connectionString: postgres.url })
      await client.connect()
      await client.query('create database two')
      await client.end()
      const stores: StoreConfig[] = [
        { kind: 'redis', url: `${redis.url}/1` },
        { kind: 'postgres', url: postgres.url.replace('/postgres?', '/two?') },
      ]
      await Promise.all(
        stores.map(async (store, index) => {
          for (const kill of kills) await takeOver(store, anvil.accounts[index]!, kill)
        }),
      )
    },
    limitMs,
  )
})

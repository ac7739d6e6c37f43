import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createClient, type Receipt, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { VeilcastError } from '@veilcast/shared/errors'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { signEthTransfer } from '../support/devnetSign.ts'
import { anvilSetup, startTestBroadcaster, type TestBroadcaster } from '../support/path.ts'
import { type RedisCluster, startRedisCluster } from '../support/redisCluster.ts'
import { describeWithRedis } from '../support/store.ts'
import { until } from '../support/until.ts'

const limitMs = 180_000

describeWithRedis('a Redis Cluster of which the node that holds the record is killed', () => {
  const loopback = createLoopback({ seed: 17 })
  let anvil: Anvil
  let cluster: RedisCluster
  let broadcaster: TestBroadcaster
  let client: VeilcastClient

  beforeAll(async () => {
    anvil = await startAnvil({ blockTimeMs: 500 })
    cluster = await startRedisCluster({ replicas: 1 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: cluster.open(),
      chains: [anvilSetup(anvil)],
      reconcileEveryMs: 2_000,
    })
    client = createClient({
      mixnet: loopback.dialer(),
      broadcasters: [broadcaster.address()],
      timing: { firstRepeatMs: 3_000, laterRepeatMs: 3_000, maxRepeatMs: 4_000 },
    })
    await client.start()
  }, limitMs)
  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await cluster?.stop()
    await anvil?.stop()
  }, limitMs)

  async function submit(account: number): Promise<Receipt> {
    const from = anvil.accounts[account]!
    const signedTx = await signEthTransfer(anvil, { from, to: anvil.accounts[9]!.address, valueWei: 1n })
    const again = () => client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: 120_000 })
    // As a wallet does that is told so: the same bytes once more.
    for (;;) {
      try {
        return await again()
      } catch (error) {
        if (!(error instanceof VeilcastError) || error.name !== 'StoreUnavailableError') throw error
        await delay(500)
      }
    }
  }

  it(
    'default: goes on over replicas, and answers who waited',
    async () => {
      expect(await submit(0)).toMatchObject({ ok: true })
      const before = await broadcaster.store.records.incarnation()

      await anvil.setAutomine(false)
      const waiting = submit(1)
      await until(async () => Number((await anvil.rpc<{ pending: string }>('txpool_status')).pending) === 1)
      await cluster.killHolder('{veilcast}')
      await anvil.mine()
      expect(await waiting).toMatchObject({ ok: true })
      expect(await broadcaster.store.records.incarnation()).not.toEqual(before)

      await anvil.setAutomine(true)
      expect(await submit(2)).toMatchObject({ ok: true })
      await cluster.killHolder('{veilcast-queue}')
      expect(await submit(3)).toMatchObject({ ok: true })
    },
    limitMs,
  )
})

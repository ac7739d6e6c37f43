import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Receipt, VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { Redis } from 'ioredis'
import pg from 'pg'
import { signEthTransfer } from '../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../support/faultyEndpoint.ts'
import { anvilSetup, startTestBroadcaster, startTestClient, type TestBroadcaster } from '../support/path.ts'
import { describeWithRedis, type StoreServer, startPostgres, startRedis } from '../support/store.ts'
import { until } from '../support/until.ts'

const limitMs = 120_000

/** Throws away what BullMQ keeps, and nothing else. Says how much that was. */
type Empty = (url: string) => Promise<number>

async function emptyRedis(url: string): Promise<number> {
  const client = new Redis(url)
  const keys = await client.keys('{veilcast-queue}*')
  await client.del(keys)
  client.disconnect()
  return keys.length
}

async function emptyPostgres(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'bullmq'::regnamespace and relname <> 'migration'`,
  )
  let count = 0
  for (const { name } of rows) count += (await client.query(`delete from bullmq.${name}`)).rowCount ?? 0
  await client.end()
  return count
}

emptied('Postgres', startPostgres, emptyPostgres)
describeWithRedis('jobs emptied by hand', () => emptied('Redis', () => startRedis(), emptyRedis))

function emptied(
  name: string,
  startServer: () => Promise<StoreServer & { url: string }>,
  empty: Empty,
): void {
  describe(`jobs emptied by hand, ${name}`, () => {
    let anvil: Anvil
    let endpoint: FaultyEndpoint
    let server: StoreServer & { url: string }
    let broadcaster: TestBroadcaster
    let client: VeilcastClient

    beforeEach(async () => {
      anvil = await startAnvil()
      endpoint = await startFaultyEndpoint(anvil.rpcUrl)
      server = await startServer()
      const loopback = createLoopback({ seed: 8 })
      broadcaster = await startTestBroadcaster({
        listener: loopback.listener('broadcaster'),
        store: server.open(),
        chains: [anvilSetup(anvil, endpoint.url)],
        reconcileEveryMs: 1000,
      })
      client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    }, limitMs)
    afterEach(async () => {
      await client?.stop()
      await broadcaster?.stop()
      await server?.stop()
      await endpoint?.stop()
      await anvil?.stop()
    }, limitMs)

    it(
      'are made anew from the record, twice, under a broadcaster that goes on',
      async () => {
        // Others each time: of an account that it has seen it asks less.
        for (const accounts of [
          [0, 1, 2, 3],
          [4, 5, 6, 7],
        ]) {
          // Our own checks get no answer: nothing can be handed over.
          endpoint.set({ mode: 'close', methods: ['eth_getTransactionCount'] })
          const accepted = new Set<number>()
          const receipts = accounts.map(async (account) => {
            const signedTx = await signEthTransfer(anvil, {
              from: anvil.accounts[account]!,
              to: anvil.accounts[9]!.address,
              valueWei: 1n,
            })
            const submit = (): Promise<Receipt> =>
              client
                .submit(
                  { chain: anvil.chainId, signedTx },
                  { onProgress: ({ stage }) => void (stage === 'accepted' && accepted.add(account)) },
                )
                // The endpoint that closes is set aside at times, and the door shut until it was probed.
                .catch((error) => (error.errorName === 'noLiveEndpoint' ? submit() : Promise.reject(error)))
            return submit()
          })
          const queue = broadcaster.store.queues.queue('submit')
          await until(async () => accepted.size === 4 && (await queue.getDelayedCount()) === 4)
          expect(await empty(server.url)).toBeGreaterThanOrEqual(4)
          endpoint.set({ mode: 'pass' })
          for (const { ok, stage } of await Promise.all(receipts)) {
            // The blocks of the others may have made it final.
            expect({ ok, stage }).toEqual({ ok: true, stage: expect.stringMatching(/^(included|final)$/) })
          }
        }
        expect(endpoint.calls('eth_sendRawTransaction')).toBe(8)
      },
      limitMs,
    )
  })
}

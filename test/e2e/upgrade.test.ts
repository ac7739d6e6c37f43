import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { runMigrations } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { openPostgresStore, openRedisStore, type Store } from '../../broadcaster/dist/store/index.js'
import { timing } from '../support/crash.ts'
import { anvilSetup, startTestBroadcaster, type TestBroadcaster } from '../support/path.ts'
import { root } from '../support/processes.ts'
import { describeWithRedis, startPostgres, startRedis } from '../support/store.ts'
import { until } from '../support/until.ts'

const limitMs = 120_000
/** Of test/vectors/stores/write.mjs. */
const secret = new Uint8Array(32).fill(7)

interface Written {
  readonly writtenAtMs: number
  readonly transactions: Readonly<
    Record<'ended' | 'exposed' | 'held', { readonly signedTx: `0x${string}`; readonly requestId: string }>
  >
}

/** What is to be done to the store of then, before today's release starts on it. */
interface Former {
  readonly written: Written
  /** Gives the job of `held` a shape that is none of ours. */
  spoilJob(): Promise<void>
  open(): Store
  stop(): Promise<void>
}

upgrades('Postgres', formerPostgres)
describeWithRedis('upgrade', () => upgrades('Redis', formerRedis))

function upgrades(name: string, startFormer: () => Promise<Former>): void {
  describe(`what the first release left in ${name} when it was killed with jobs under way`, () => {
    let former: Former
    let anvil: Anvil
    let broadcaster: TestBroadcaster | undefined
    let client: VeilcastClient | undefined
    afterEach(async () => {
      await client?.stop()
      await broadcaster?.stop()
      await former?.stop()
      await anvil?.stop()
    }, limitMs)

    it.each([
      ['goes on as if nothing had been', false],
      ['goes on though a job is of a shape that is not known', true],
    ])(
      '%s',
      async (_what, spoilt) => {
        former = await startFormer()
        if (spoilt) await former.spoilJob()
        anvil = await startAnvil()
        const loopback = createLoopback({ seed: 14 })
        broadcaster = await startTestBroadcaster({
          listener: loopback.listener(),
          store: former.open(),
          chains: [anvilSetup(anvil)],
          secret,
          reconcileEveryMs: 1_000,
          rebroadcastAfterMs: 1_000,
        })
        client = createClient({ mixnet: loopback.dialer(), broadcasters: broadcaster.addresses(), timing })
        await client.start()
        const { ended, exposed, held } = former.written.transactions
        for (const [{ requestId }, account] of [
          [exposed, 0],
          [held, 2],
        ] as const) {
          const told = await client.status({ submitId: requestId, until: 'included' }, { timeoutMs: 60_000 })
          expect(told).toMatchObject({ ok: true, requestId })
          const address = anvil.accounts[account]!.address
          expect(await anvil.rpc('eth_getTransactionCount', [address, 'latest'])).toBe('0x1')
        }
        // Of a chain that is no more; what was told of it is still told.
        expect(await client.status({ submitId: ended.requestId })).toMatchObject({ ok: true, stage: 'final' })
        await until(
          async () =>
            (await broadcaster!.store.queues
              .queue('submit')
              .getJobCountByTypes('active', 'delayed', 'waiting')) === 0,
        )
      },
      limitMs,
    )
  })
}

async function formerPostgres(): Promise<Former> {
  const text = await readFile(join(root, 'test/vectors/stores/postgres-1.sql'), 'utf8')
  const written = JSON.parse(text.slice(3, text.indexOf('\n'))) as Written
  const server = await startPostgres()
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  await runMigrations(client)
  await client.query(text)
  const agoMs = Date.now() - written.writtenAtMs
  await client.query(`
    update veilcast.record set not_after_ms = not_after_ms + ${agoMs}, created_at_ms = created_at_ms + ${agoMs},
      changed_at_ms = changed_at_ms + ${agoMs}, expires_at_ms = expires_at_ms + ${agoMs}`)
  return {
    written,
    async spoilJob() {
      await client.query(
        `update bullmq.job set data = '{"of":"another release"}' where id = (select key from veilcast.record where state = 'held')`,
      )
    },
    open: () => openPostgresStore({ url: server.url }),
    async stop() {
      await client.end()
      await server.stop()
    },
  }
}

async function formerRedis(): Promise<Former> {
  const lines = (await readFile(join(root, 'test/vectors/stores/redis-1.json'), 'utf8')).trim().split('\n')
  const written = JSON.parse(lines[0]!) as Written
  const server = await startRedis()
  const client = new Redis(server.url)
  const agoMs = Date.now() - written.writtenAtMs
  type Value = string | { readonly base64: string }
  const bytes = (value: Value): Buffer =>
    typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64')
  const commands = { hash: 'HSET', zset: 'ZADD', set: 'SADD', list: 'RPUSH', string: 'SET' } as const
  let heldKey = ''
  for (const line of lines.slice(1)) {
    const { key, type, value } = JSON.parse(line) as {
      key: string
      type: keyof typeof commands
      value: Value | Value[]
    }
    const values = [value].flat().map(bytes)
    if (type === 'zset')
      for (let at = 0; at < values.length; at += 2) values.splice(at, 2, values[at + 1]!, values[at]!)
    await client.call(commands[type], key, ...values)
    if (!key.startsWith('{veilcast}:record:')) continue
    for (const field of ['notAfterMs', 'createdAtMs', 'changedAtMs', 'expiresAtMs']) {
      if (await client.hexists(key, field)) await client.hincrby(key, field, agoMs)
    }
    if ((await client.hget(key, 'state')) === 'held') heldKey = key.split(':')[2]!
  }
  for (const key of await client.zrange('{veilcast}:expiry', '0', '-1')) {
    await client.zincrby('{veilcast}:expiry', agoMs, key)
  }
  return {
    written,
    async spoilJob() {
      await client.hset(`{veilcast-queue}:submit:${heldKey}`, 'data', '{"of":"another release"}')
    },
    open: () => openRedisStore({ url: server.url }),
    async stop() {
      client.disconnect()
      await server.stop()
    },
  }
}

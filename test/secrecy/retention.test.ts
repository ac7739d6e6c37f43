import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { createVault } from '@veilcast/broadcaster'
import { newRequestId, parseChainId } from '@veilcast/shared/protocol'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Store } from '../../broadcaster/dist/store/index.js'
import { describeWithRedis, startPostgres, startRedis, withStore } from '../support/store.ts'
import { until } from '../support/until.ts'

/** Everything in the store that can be read, as text. */
type Read = () => Promise<string>

describe('what Postgres keeps of a transaction', () => {
  let url = ''
  const store = withStore(async () => {
    const server = await startPostgres()
    url = server.url
    return server
  })
  retentionSuite(store, async () => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('veilcast', 'bullmq')`,
      )
      const tables: string[] = []
      for (const { name } of rows)
        tables.push(JSON.stringify((await client.query(`select t::text from ${name} t`)).rows))
      return tables.join('\n')
    } finally {
      await client.end()
    }
  })
})

describeWithRedis('what Redis keeps of a transaction', () => {
  let url = ''
  const store = withStore(async () => {
    const server = await startRedis(['--rdbcompression', 'no'])
    url = server.url
    return server
  })
  retentionSuite(store, async () => {
    const client = new Redis(url)
    try {
      const keys = await client.keys('*')
      const values = await Promise.all(keys.map((key) => client.dumpBuffer(key)))
      // Uncompressed, they hold texts as they are.
      return [...keys, ...values.map((value) => value?.toString('latin1'))].join('\n')
    } finally {
      client.disconnect()
    }
  })
})

function retentionSuite(store: () => Store, read: Read): void {
  it('its traces while it is kept, and none once its time and that of its events are over', async () => {
    const vault = createVault(randomBytes(32))
    const chain = parseChainId('eip155:1')
    const signedTx = randomBytes(120)
    const key = vault.keyOf(chain, signedTx)
    const [txIdMac, laneMac] = [vault.txIdMac(chain, randomBytes(32)), vault.laneMac(chain, randomBytes(20))]
    const requestMac = vault.requestMac(newRequestId())
    const { records, queues } = store()
    const nowMs = Date.now()
    const { record } = await records.admit({
      key,
      chain,
      txIdMac,
      laneMac,
      sequence: vault.hideSequence(laneMac, 3n),
      bytes: vault.seal(signedTx, key, 'bytes'),
      txId: vault.seal(randomBytes(32), key, 'txId'),
      requestMac,
      notAfterMs: nowMs + 60_000,
      nowMs,
    })
    let done = 0
    const worker = queues.worker('kept', async () => void done++, { concurrency: 1 })
    void worker.run()
    await queues.queue('kept').add('submit', { key, chain }, { jobId: key })
    await until(async () => done === 1 && (await queues.queue('kept').getActiveCount()) === 0)
    await worker.close()

    const traces = [key, txIdMac, laneMac, requestMac]
    const seen = async (): Promise<string[]> => {
      const all = await read()
      return traces.filter((trace) => all.includes(trace))
    }
    expect(await seen()).toEqual(traces)

    await records.update(key, record.number, { state: 'refused', bytes: null, expiresAtMs: nowMs }, nowMs)
    expect(await records.sweep(nowMs, 10)).toBe(1)
    await queues.forgetEvents(nowMs - 60_000)
    // The list of what was worked on when outlives the record, until it is forgotten too.
    expect(await seen()).toEqual([key])
    await queues.forgetEvents(Date.now() + 1)
    expect(await seen()).toEqual([])
  })
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { openPostgresStore, StoreError } from '../../../broadcaster/dist/store/index.js'
import { holdUse } from '../../../broadcaster/dist/store/postgres/holdUse.js'
import { migrate } from '../../../broadcaster/dist/store/postgres/migrate.js'
import { migrations } from '../../../broadcaster/dist/store/postgres/schema.js'
import { type StoreServer, startPostgres } from '../../support/store.ts'
import { until } from '../../support/until.ts'

describe('openPostgresStore', () => {
  let server: StoreServer & { readonly url: string }
  beforeAll(async () => {
    server = await startPostgres()
  }, 60_000)
  afterAll(() => server.stop(), 60_000)

  async function query(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }
  const failed = (url: string): Promise<unknown> =>
    openPostgresStore({ url })
      .start()
      .catch((thrown: unknown) => thrown)

  it('says why it cannot be reached or entered, and nothing more', async () => {
    const wrong = new URL(server.url)
    wrong.password = 'wrong-secret'
    for (const [url, text] of [
      [wrong.href, /28P01/],
      [server.url.replace('/postgres?', '/nowhere?'), /3D000/],
      ['postgres://user:wrong-secret@127.0.0.1:1/db', /ECONNREFUSED/],
    ] as const) {
      const error = await failed(url)
      expect(error).toBeInstanceOf(StoreError)
      expect(String(error)).toMatch(text)
      expect(String((error as Error).stack)).not.toMatch(/secret|:\/\/|127\.0\.0\.1|nowhere/)
    }
  })

  it('is made ready once by ten who start at the same time', async () => {
    await query('drop schema if exists veilcast, bullmq cascade')
    const stores = Array.from({ length: 10 }, () => server.openAnother())
    await Promise.all(stores.map((store) => store.start()))
    const incarnations = await Promise.all(stores.map((store) => store.records.incarnation()))
    expect(new Set(incarnations.map(String)).size).toBe(1)
    await Promise.all(stores.map((store) => store.stop()))
  }, 60_000)

  it('keeps what it acknowledges even where the server was told not to wait', async () => {
    await query('alter system set synchronous_commit = off')
    await query('select pg_reload_conf()')
    const store = server.openAnother()
    await store.start()
    expect(store.records.durability).toBe('fsync')
    await store.stop()
    await query('alter system reset synchronous_commit')
    await query('select pg_reload_conf()')
  })

  it('promises nothing where the server does not reach the disk', async () => {
    await query('alter system set fsync = off')
    await query('select pg_reload_conf()')
    const store = server.openAnother()
    await store.start()
    expect(store.records.durability).toBe('memory')
    await query('alter system reset fsync')
    await query('select pg_reload_conf()')
    await until(async () => {
      await store.records.incarnation()
      return store.records.durability === 'fsync'
    })
    await store.stop()
  })

  it('works for a role that owns its database and no more', async () => {
    await query(`create role plain login password 'plain'`)
    await query('create database plain owner plain')
    const url = new URL(server.url)
    url.username = 'plain'
    url.password = 'plain'
    url.pathname = '/plain'
    const store = openPostgresStore({ url: url.href })
    await store.start()
    await store.records.ping()
    expect(await store.records.incarnation()).toHaveLength(8)
    await store.stop()
  })

  it('works beside a newer release of its major, and refuses what one of the next has written', async () => {
    const store = server.openAnother()
    await query('insert into veilcast.migration (version) values (1000)')
    await store.start()
    await store.stop()
    await query('update veilcast.migration set major = 2 where version = 1000')
    expect(await failed(server.url)).toEqual(
      new StoreError(
        'The store was written by a newer release (its version is 2, and this one knows 1): run that release, or name another store.',
      ),
    )
    await query('delete from veilcast.migration where version = 1000')
  })

  it('takes a step that older releases could not live with only while none of them is there', async () => {
    const next = [...migrations, { major: 2, work: 'create table veilcast.next ()' }]
    await query('create database upgraded')
    const connectionString = server.url.replace('/postgres?', '/upgraded?')
    const older = openPostgresStore({ url: connectionString })
    await older.start()
    const client = new pg.Client({ connectionString })
    await client.connect()
    const columnOf = async (sql: string): Promise<unknown> =>
      (await client.query<{ c: unknown }>(sql)).rows[0]?.c
    const there = `select to_regclass('veilcast.next') is not null as c`
    const use = await holdUse({ connectionString }, 'shared', () => {})
    await expect(migrate(client, use, next)).rejects.toThrow(/^The store is in use/)
    expect(await columnOf(there)).toBe(false)
    await older.stop()

    await migrate(client, use, next)
    expect(await columnOf(there)).toBe(true)
    expect(await columnOf('select major as c from veilcast.migration order by version desc')).toBe(2)
    // What was alone for the step is one of many again.
    const beside = await holdUse({ connectionString }, 'shared', () => {})
    for (const held of [beside, use]) await held.end()
    await client.end()
  })

  it('hears of changes again after its connection broke', async () => {
    const store = server.openAnother()
    await store.start()
    const heard: string[] = []
    const end = await store.records.watch((key) => heard.push(key))
    await query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen veilcast_record'`,
    )
    for (let i = 0; heard.length === 0; i++) {
      await query(`select pg_notify('veilcast_record', 'again${i}')`)
      if (i > 500) throw new Error('It never heard again.')
    }
    await end()
    await store.stop()
  })
})

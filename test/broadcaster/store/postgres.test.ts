import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { openPostgresStore, StoreError } from '../../../broadcaster/dist/store/index.js'
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
    await query('drop schema veilcast cascade; drop schema bullmq cascade')
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

  it('refuses a schema from the future', async () => {
    await query('insert into veilcast.migration (version) values (1000)')
    expect(String(await failed(server.url))).toMatch(/has version 1000/)
    await query('delete from veilcast.migration where version = 1000')
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

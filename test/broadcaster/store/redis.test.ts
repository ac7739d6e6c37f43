import { afterEach, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { openRedisStore, StoreError } from '../../../broadcaster/dist/store/index.js'
import { describeWithRedis, type StoreServer, startRedis } from '../../support/store.ts'
import { until } from '../../support/until.ts'

describeWithRedis('openRedisStore', () => {
  const servers: StoreServer[] = []
  const start = async (...settings: string[]): Promise<Awaited<ReturnType<typeof startRedis>>> => {
    const server = await startRedis(settings)
    servers.push(server)
    return server
  }
  afterEach(async () => {
    for (const server of servers.splice(0).reverse()) await server.stop()
  })

  it('refuses a server that may drop records', async () => {
    const server = await start('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru')
    await expect(server.open().start()).rejects.toThrow(
      new StoreError(
        'This Redis may drop records when memory runs out (maxmemory-policy allkeys-lru): set it to noeviction.',
      ),
    )
  })

  it('refuses a replica', async () => {
    const primary = await start()
    const replica = await start('--replicaof', '127.0.0.1', String(primary.port))
    await expect(replica.open().start()).rejects.toThrow(/name the primary/)
  })

  it.each([
    ['always', ['--appendfsync', 'always'], 'fsync'],
    ['always, but not while it rewrites', ['--no-appendfsync-on-rewrite', 'yes'], 'memory'],
    ['everysec', ['--appendfsync', 'everysec'], 'memory'],
    ['no', ['--appendonly', 'no'], 'memory'],
    ['always, but CONFIG is forbidden', ['--rename-command', 'CONFIG', 'NOTHING'], 'memory'],
  ] as const)('promises no more than the server keeps: %s', async (_name, settings, durability) => {
    const store = (await start(...settings)).open()
    await store.start()
    expect(store.records.durability).toBe(durability)
    await store.stop()
  })

  it('promises less as soon as it is seen that the server keeps less, also after its restart', async () => {
    const server = await start()
    const store = server.open()
    await store.start()
    expect(store.records.durability).toBe('fsync')
    const operator = new Redis(server.url)
    await operator.config('SET', 'appendfsync', 'everysec')
    // As each process asks every 30 s.
    await store.records.incarnation()
    expect(store.records.durability).toBe('memory')
    operator.disconnect()

    await server.kill()
    await until(() =>
      store.records.ping().then(
        () => false,
        () => true,
      ),
    )
    expect(store.records.durability).toBe('memory')
    // Its command line says `always` again.
    await server.restart()
    await until(() => store.records.durability === 'fsync')
    await store.stop()
  })

  it('says why it cannot be reached or entered, and nothing more', async () => {
    const server = await start('--requirepass', 'a-secret')
    for (const [url, text] of [
      [`redis://user:wrong-secret@127.0.0.1:${server.port}`, /WRONGPASS/],
      [server.url, /NOAUTH/],
      ['redis://user:wrong-secret@127.0.0.1:1', /ECONNREFUSED/],
    ] as const) {
      const error: unknown = await openRedisStore({ url })
        .start()
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StoreError)
      expect(String(error)).toMatch(text)
      expect(String((error as Error).stack)).not.toMatch(/secret|:\/\/user|127\.0\.0\.1/)
    }
  })

  it('is another incarnation after a restart that may have lost something', async () => {
    const server = await start('--appendonly', 'no')
    const store = server.open()
    await store.start()
    const before = await store.records.incarnation()
    await server.clean()
    expect(await store.records.incarnation()).not.toEqual(before)
    await store.stop()
  })
})

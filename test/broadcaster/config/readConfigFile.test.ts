import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { readConfigFile } from '../../../broadcaster/dist/config/readConfigFile.js'

const plain = `mixnet:
  transport: nym-wasm
  nymApiUrl: http://127.0.0.1:1/api
store:
  kind: redis
  url: redis://127.0.0.1:1
chains:
  - chain: eip155:1
    endpoints:
      - { id: a, url: http://127.0.0.1:1 }
      - { id: b, url: http://127.0.0.1:2 }
  - chain: cosmos:test-1
    bech32Prefix: cosmos
    endpoints:
      - { id: c, url: http://127.0.0.1:3 }
`

let folder: string
let path: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veilcast-config-'))
  path = join(folder, 'veilcast.yaml')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

type Environment = Readonly<Record<string, string>>

async function read(text: string, environment: Environment = {}) {
  await writeFile(path, text)
  const warnings: string[] = []
  const config = await readConfigFile(path, { environment, onWarning: (warning) => warnings.push(warning) })
  return { config, warnings }
}
const refused = (text: string, environment?: Environment): Promise<string> =>
  read(text, environment).then(
    () => 'taken',
    (error: Error) => `${error.name}: ${error.message}`.replaceAll(path, 'veilcast.yaml'),
  )

/** The same configuration with one thing changed. */
// biome-ignore lint/suspicious/noExplicitAny: a configuration that may be wrong in any way
function changed(change: (config: any) => void): string {
  const config = parse(plain)
  change(config)
  return stringify(config)
}

describe('veilcast.yaml', () => {
  it('default: gives each key that is not there its default, and paths count from its own folder', async () => {
    const { config, warnings } = await read(`${plain}dataDir: data\nkeyFile: keys/one.key\n`)
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      role: 'all',
      dataDir: join(folder, 'data'),
      keyFile: join(folder, 'keys/one.key'),
      retentionSeconds: 86_400,
      http: { host: '127.0.0.1', port: 8645 },
      logLevel: 'info',
    })
    expect(config.chains.map(({ chain }) => chain)).toEqual(['eip155:1', 'cosmos:test-1'])
  })

  it('behavior: JSON is taken too', async () => {
    expect((await read(JSON.stringify(parse(plain)))).config.chains).toHaveLength(2)
  })

  it.each<[string, string, RegExp]>([
    [
      'an unknown key',
      `${plain}logLevl: info\n`,
      /logLevl \(line 16\): unknown key; did you mean logLevel\?/,
    ],
    [
      'an unknown key of a store',
      plain.replace('  url: redis', '  ulr: redis'),
      /store\.ulr \(line 6\): unknown key; did you mean url\?/,
    ],
    [
      'an unknown key of an endpoint',
      plain.replace('{ id: a,', '{ id: a, operater: x,'),
      /chains\.0\.endpoints\.0\.operater \(line 10\): unknown key; did you mean operator\?/,
    ],
    [
      'an unknown key of a Cosmos chain',
      plain.replace('bech32Prefix', 'bech32prefix'),
      /chains\.1\.bech32prefix \(line 13\): unknown key; did you mean bech32Prefix\?/,
    ],
    [
      'a key at the wrong place',
      `${plain}port: 80\n`,
      /port \(line 16\): unknown key here; there is http\.port/,
    ],
    ['a key like none', `${plain}walrus: 1\n`, /walrus \(line 16\): unknown key$/],
    [
      'a wrong type',
      `${plain}http: { port: "80" }\n`,
      /http\.port \(line 16\): .*expected number, received string/,
    ],
    ['a number out of range', `${plain}retentionSeconds: 1\n`, /retentionSeconds \(line 16\): .*>=60/],
    ['a word of several', `${plain}logLevel: loud\n`, /logLevel \(line 16\): one of silent, error, warn/],
    ['a role', `${plain}role: boss\n`, /role \(line 16\): one of all, ingress, worker/],
    [
      'a store of no kind that is known',
      plain.replace('kind: redis', 'kind: mongo'),
      /store\.kind \(line 5\): one of embedded, postgres, redis/,
    ],
    [
      'a transport of no kind that is known',
      plain.replace('nym-wasm', 'tor'),
      /mixnet\S* \(line 2\): one of nym-wasm, nym-socket/,
    ],
    [
      'a missing key',
      plain.replace(/ {2}nymApiUrl.*\n/, ''),
      /mixnet\S* \(line 1\): is missing\. The Nym API that tells of the network/,
    ],
    ['no chains', plain.replace(/chains:[\s\S]*/, ''), /chains: is missing/],
    ['an empty list of chains', plain.replace(/chains:[\s\S]*/, 'chains: []\n'), /chains \(line 7\): .*>=1/],
    [
      'two chains of one id',
      changed((config) => config.chains.push(config.chains[0])),
      /chains \(line \d+\): two chains have the same id/,
    ],
    [
      'two endpoints of one id',
      plain.replace('id: b', 'id: a'),
      /chains\.0\.endpoints \(line 9\): two endpoints have the same id/,
    ],
    [
      'a chain of no family that is known',
      plain.replace('eip155:1', 'bip122:1'),
      /chains\.0\.chain \(line 8\): a CAIP-2 id of one of these families: eip155, cosmos/,
    ],
    [
      'a chain that is no CAIP-2 id',
      plain.replace('eip155:1', 'eip155:main'),
      /chains\.0\.chain \(line 8\): eip155:<chain id>/,
    ],
    ['a URL that is none', plain.replace('http://127.0.0.1:1 }', 'localhost }'), /url \(line 10\): .*http/],
    ['an empty file', '', /\(whole file\)|mixnet: is missing/],
    ['a list', '- 1\n', /\(whole file\): .*expected object/],
    ['no YAML', 'a: [\n', /is no YAML, line 2/],
    ['a key twice', `${plain}role: all\nrole: all\n`, /line 17, column 1: one key stands there twice/],
    ['an alias bomb', bomb(), /its aliases name nothing, or too much/],
    ['an alias of nothing', `${plain}dataDir: *nothing\n`, /is no YAML|aliases/],
  ])('behavior: %s is refused, with where it stands and what would be right', async (_, text, said) => {
    const message = await refused(text)
    expect(message).toMatch(/^ConfigError: veilcast\.yaml is no /)
    expect(message).toMatch(said)
  })

  it('behavior: names all faults at once', async () => {
    const message = await refused(
      `${plain.replace('id: b', 'id: a').replace('kind: redis', 'kind: mongo')}x: 1\n`,
    )
    expect(message.split('\n')).toHaveLength(4)
  })

  it('behavior: a file that is too long is not parsed', async () => {
    expect(await refused(`# ${'a'.repeat(1_048_576)}\n${plain}`)).toMatch(/longer than 1048576 bytes/)
  })
})

describe('the environment', () => {
  it('default: goes before the file, and says what the file leaves out', async () => {
    const { config } = await read(plain, {
      VEILCAST_LOG_LEVEL: 'debug',
      VEILCAST_HTTP__PORT: '9000',
      VEILCAST_LIMITS__MAX_WAITING_PER_CHAIN: '7',
      VEILCAST_STORE__URL: 'redis://elsewhere:6379',
      VEILCAST_RETENTION_SECONDS: '',
      HOME: '/nowhere',
    })
    expect(config).toMatchObject({
      logLevel: 'debug',
      http: { port: 9000, host: '127.0.0.1' },
      limits: { maxWaitingPerChain: 7, maxWaitingPerAccount: 32 },
      store: { kind: 'redis', url: 'redis://elsewhere:6379' },
      retentionSeconds: 86_400,
    })
  })

  it('behavior: a whole store, or a whole chain, is YAML', async () => {
    const { config } = await read(plain, {
      VEILCAST_STORE: '{ kind: embedded }',
      VEILCAST_CHAINS__2: '{ chain: "eip155:5", endpoints: [{ id: a, url: "http://127.0.0.1:1" }] }',
      VEILCAST_CHAINS__2__POLL_INTERVAL_MS: '500',
    })
    expect(config.store).toEqual({ kind: 'embedded' })
    expect(config.chains.map(({ chain, pollIntervalMs }) => [chain, pollIntervalMs])).toEqual([
      ['eip155:1', 1000],
      ['cosmos:test-1', 1000],
      ['eip155:5', 500],
    ])
  })

  it('behavior: a file that is empty but for comments can be filled from it', async () => {
    const { config } = await read('# all by the environment\n', {
      VEILCAST_MIXNET__TRANSPORT: 'nym-socket',
      VEILCAST_CHAINS__0__CHAIN: 'eip155:1',
      VEILCAST_CHAINS__0__ENDPOINTS__0__ID: 'a',
      VEILCAST_CHAINS__0__ENDPOINTS__0__URL: 'http://127.0.0.1:1',
      VEILCAST_CHAINS__0__ENDPOINTS__0__HEADERS__X_API_KEY: 'abc',
    })
    expect(config.chains.map(({ chain }) => chain)).toEqual(['eip155:1'])
  })

  it.each<[string, Environment, RegExp]>([
    [
      'a name that is nearly one',
      { VEILCAST_LOGLEVEL: 'debug' },
      /VEILCAST_LOGLEVEL: names no key; did you mean VEILCAST_LOG_LEVEL\?/,
    ],
    [
      'one underscore for two',
      { VEILCAST_HTTP_PORT: '1' },
      /VEILCAST_HTTP_PORT: names no key; did you mean VEILCAST_HTTP__PORT\?/,
    ],
    [
      'a place in a list',
      { VEILCAST_CHAINS__1__ENDPOINTS__0__ULR: 'x' },
      /did you mean VEILCAST_CHAINS__1__ENDPOINTS__0__URL\?/,
    ],
    ['a name like none', { VEILCAST_WALRUS_SIZE: '1' }, /VEILCAST_WALRUS_SIZE: names no key$/],
    [
      'a place far behind a list',
      { VEILCAST_CHAINS__9__CHAIN: 'x' },
      /VEILCAST_CHAINS__9__CHAIN: there is no such place/,
    ],
  ])('behavior: %s is refused', async (_, environment, said) => {
    const message = await refused(plain, environment)
    expect(message).toMatch(/^ConfigError: The environment is no valid configuration:\n/)
    expect(message).toMatch(said)
  })

  it('behavior: a value that is wrong is laid to the variable, and not repeated', async () => {
    const message = await refused(plain, { VEILCAST_HTTP__PORT: 's3cret', VEILCAST_STORE__URL: 's3cret' })
    expect(message).toMatch(/http\.port \(VEILCAST_HTTP__PORT\): .*expected number/)
    expect(message).toMatch(/store\.url \(VEILCAST_STORE__URL\): a redis:\/\/ URL/)
    expect(message).not.toContain('s3cret')
  })

  it("behavior: leaves alone what the wallet's command reads, and a cluster's links to services", async () => {
    const links = { VEILCAST_PORT: 'tcp://10.0.0.1:1', VEILCAST_REDIS_SERVICE_HOST: '10.0.0.1' }
    const { config } = await read(plain, {
      VEILCAST_BROADCASTER: 'a.b@c',
      VEILCAST_CONFIG: path,
      VEILCAST_TEST_LOG: '1',
      ...links,
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
    })
    expect(config.http.port).toBe(8645)
    expect(await refused(plain, links)).toMatch(/VEILCAST_PORT: names no key/)
  })

  it("behavior: none of the wallet command's own variables is taken for a key", async () => {
    const cli = join(__dirname, '../../../client/cli')
    const files = (await readdir(cli, { recursive: true })).filter((name) => name.endsWith('.ts'))
    const texts = await Promise.all(files.map((name) => readFile(join(cli, name), 'utf8')))
    const names = texts.flatMap((text) =>
      [...text.matchAll(/'(VEILCAST_[A-Z_]+)'/g)].map(([, name]) => name!),
    )
    expect(names.length).toBeGreaterThan(5)
    const environment = Object.fromEntries(names.map((name) => [name, 'x']))
    expect((await read(plain, environment)).config.logLevel).toBe('info')
  })
})

describe('a text that stands elsewhere', () => {
  const secret = 'redis://:s3cret@127.0.0.1:6379'
  const withUrl = (url: string): string => plain.replace('url: redis://127.0.0.1:1', `url: ${url}`)
  const put = async (name: string, text: string, mode = 0o600): Promise<string> => {
    await writeFile(join(folder, name), text)
    await chmod(join(folder, name), mode)
    return name
  }

  it('default: is read from a file beside the configuration, without its last line end', async () => {
    await put('redis-url', `${secret}\n`)
    const { config, warnings } = await read(withUrl('{ file: redis-url }'))
    expect(config.store).toEqual({ kind: 'redis', url: secret, cluster: false })
    expect(warnings).toEqual([])
  })

  it('default: or from a variable of the environment', async () => {
    const { config } = await read(withUrl('{ env: MY_REDIS }'), { MY_REDIS: secret })
    expect(config.store).toMatchObject({ url: secret })
  })

  it('behavior: the environment can name the file, too', async () => {
    await put('redis-url', `${secret}\r\n`)
    const { config } = await read(plain, { VEILCAST_STORE__URL__FILE: join(folder, 'redis-url') })
    expect(config.store).toMatchObject({ url: secret })
  })

  it('behavior: stands within endpoints and headers, where a header may itself be called file', async () => {
    await put('key', 'abc')
    const text = changed((config) => {
      config.chains[0].endpoints[0].url = { env: 'NODE' }
      config.chains[0].endpoints[0].headers = { authorization: { file: 'key' }, file: 'x' }
      config.chains[0].endpoints[1].headers = { file: 'x' }
    })
    const { config } = await read(text, { NODE: 'http://127.0.0.1:4' })
    expect(config.chains).toHaveLength(2)
  })

  it.each<[string, () => Promise<string>, RegExp]>([
    ['a file that is not there', async () => 's3cret', /cannot be read \(ENOENT\)/],
    ['an empty one', () => put('s3cret-empty', '\n'), /is empty/],
    ['one that others may write', () => put('s3cret-open', secret, 0o622), /others may write .*chmod 600/],
    ['one that is too long', () => put('s3cret-long', 'a'.repeat(70_000)), /longer than 65536 bytes/],
    ['one whose text is no such value', () => put('s3cret-text', 'mysql://s3cret'), /a redis:\/\/ URL/],
  ])('behavior: %s is refused, and neither name nor text is repeated', async (_, prepare, said) => {
    const message = await refused(withUrl(`{ file: ${await prepare()} }`))
    expect(message).toMatch(/^ConfigError: [\s\S]*store\.url \(line 6\): /)
    expect(message).toMatch(said)
    expect(message).not.toContain('s3cret')
  })

  it('behavior: a variable that is not set is refused, and not named', async () => {
    const message = await refused(withUrl('{ env: s3cret }'))
    expect(message).toMatch(/store\.url \(line 6\): the environment variable that it names is not set/)
    expect(message).not.toContain('s3cret')
  })

  it('behavior: a file that others may read is taken, with a warning', async () => {
    await put('redis-url', secret, 0o644)
    const { warnings } = await read(withUrl('{ file: redis-url }'))
    expect(warnings).toEqual(['store.url (line 6): others may read the file that it names: chmod 600 it'])
  })

  it('behavior: where no text may stand, it is a value like any other', async () => {
    expect(await refused(`${plain}http: { port: { env: PORT } }\n`, { PORT: '1' })).toMatch(
      /http\.port \(line 16\): .*expected number, received object/,
    )
  })
})

function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 8; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    )
  return `${lines.join('\n')}\n`
}

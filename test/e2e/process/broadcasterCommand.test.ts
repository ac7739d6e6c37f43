import { once } from 'node:events'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { stringify } from 'yaml'
import { anvilSetup, makeFolder } from '../../support/path.ts'
import {
  type BroadcasterProcess,
  broadcasterProgram,
  type Ended,
  endAll,
  processesWith,
  quietConfig,
  run,
  runBroadcaster,
  startBroadcaster,
  writeConfig,
} from '../../support/processes.ts'
import { until } from '../../support/until.ts'

const limitMs = 120_000

interface Findings {
  readonly ok: boolean
  readonly findings: readonly { readonly what: string; readonly ok: boolean; readonly found: string }[]
}

let localnet: Localnet
let anvil: Anvil
let folder: Awaited<ReturnType<typeof makeFolder>>

beforeAll(async () => {
  localnet = await startLocalnet()
  anvil = await startAnvil()
}, limitMs)
afterAll(async () => {
  await anvil?.stop()
  await localnet?.stop()
})
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(async () => {
  await endAll()
  for (const line of await processesWith(folder.path)) process.kill(Number.parseInt(line, 10), 'SIGKILL')
  await folder.remove()
}, limitMs)

const command = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [broadcasterProgram, ...args]).ended
const configure = (more?: object): Promise<string> =>
  writeConfig(folder.path, localnet, [anvilSetup(anvil)], more)
async function configureBy(text: string): Promise<string> {
  const path = join(folder.path, 'other.yaml')
  await writeFile(path, text)
  return path
}

describe('veilcast-broadcaster', () => {
  it('--help: names the commands, the exit codes and the environment', async () => {
    const { code, stdout } = await command('--help')
    expect(code).toBe(0)
    for (const word of ['run', 'check', 'Exit codes', 'REDIS_URL']) expect(stdout).toContain(word)
    expect((await command('run', '--help')).stdout).toContain('--config')
  })

  it.each([[[]], [['walk']], [['run', '--confg', 'x']]])('exit code 1 for the arguments %j', async (args) => {
    const { code, stdout, stderr } = await command(...args)
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('--help')
  })
})

describe.each(['run', 'check'])('veilcast-broadcaster %s: what is wrong in the configuration', (name) => {
  const refused = async (config: string): Promise<string> => {
    const { code, stdout, stderr } = await command(name, '--config', config)
    expect([code, stdout]).toEqual([1, ''])
    return stderr
  }

  it('no file', async () => {
    expect(await refused(join(folder.path, 'none.yaml'))).toMatch(/none\.yaml cannot be read.*--config/)
  })

  it('no YAML', async () => {
    expect(await refused(await configureBy('chains: [\n  {\n'))).toMatch(/is no YAML, line \d/)
  })

  it('an unknown key, and no value is repeated', async () => {
    const config = { ...quietConfig(localnet, [anvilSetup(anvil)]), retentionSecond: 's3cret' }
    const said = await refused(await configureBy(stringify(config)))
    expect(said).toContain('retentionSecond')
    expect(said).not.toContain('s3cret')
  })
})

describe('veilcast-broadcaster: files of the configuration that cannot be used', () => {
  const cases = [
    {
      what: 'a key file that others may read',
      async prepare() {
        const keyFile = join(folder.path, 'open.key')
        await writeFile(keyFile, Buffer.alloc(32))
        await chmod(keyFile, 0o644)
        return configure({ keyFile })
      },
      said: /key file .* chmod 600/,
    },
    {
      what: 'a data folder that cannot be made',
      async prepare() {
        await writeFile(join(folder.path, 'file'), '')
        return configure({ dataDir: 'file/data' })
      },
      said: /data folder .*ENOTDIR/,
    },
  ]

  it.each(cases)(
    '$what: run ends with code 1, check finds it',
    async ({ prepare, said }) => {
      const config = await prepare()
      const { code, stdout, stderr } = await startBroadcaster(config).ended
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(said)

      const checked = await command('check', '--json', '--config', config)
      expect(checked.code).toBe(2)
      const { ok, findings } = JSON.parse(checked.stdout) as Findings
      expect(ok).toBe(false)
      expect(findings.filter((finding) => !finding.ok && said.test(finding.found))).toHaveLength(1)
    },
    limitMs,
  )
})

describe('veilcast-broadcaster run: what is not there', () => {
  async function missing(config: string): Promise<string> {
    const { code, stdout, stderr } = await startBroadcaster(config).ended
    expect([code, stdout]).toEqual([2, ''])
    expect(await processesWith(folder.path)).toEqual([])
    return stderr
  }

  it(
    'its port',
    async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const said = await missing(await configure({ http: { port } }))
      server.close()
      expect(said).toMatch(new RegExp(`cannot listen on 127.0.0.1:${port} .*http.port`))
    },
    limitMs,
  )

  it(
    'its store',
    async () => {
      const url = 'postgres://me:s3cret@127.0.0.1:9/none'
      const said = await missing(await configure({ store: { kind: 'postgres', url } }))
      expect(said).toMatch(/veilcast-broadcaster: .*Postgres/)
      expect(said).not.toContain('s3cret')
    },
    limitMs,
  )

  it(
    'its data folder, where another broadcaster runs in it',
    async () => {
      const config = await configure()
      const first = await runBroadcaster(config)
      const { code, stderr } = await startBroadcaster(config).ended
      expect(code).toBe(2)
      expect(stderr).toContain('Another broadcaster runs on this data folder.')
      first.child.kill('SIGTERM')
      expect((await first.ended).code).toBe(0)
    },
    limitMs,
  )

  it(
    'the mixnet',
    async () => {
      const { mixnet, ...rest } = quietConfig(localnet, [anvilSetup(anvil)])
      const away = { ...mixnet, nymApiUrl: 'http://127.0.0.1:9/api' }
      const said = await missing(await configureBy(stringify({ ...rest, mixnet: away })))
      expect(said).toMatch(/veilcast-broadcaster: The mixnet/)
    },
    limitMs,
  )
})

describe('veilcast-broadcaster check', () => {
  it(
    'default: tries everything, and leaves nothing running',
    async () => {
      const { code, stdout } = await command('check', '--json', '--config', await configure())
      expect(code).toBe(0)
      const { ok, findings } = JSON.parse(stdout) as Findings
      expect(ok).toBe(true)
      expect(findings.map(({ what }) => what)).toEqual([
        'data folder',
        'key file',
        'dashboard',
        'store',
        `${anvil.chainId} anvil`,
        'mixnet',
      ])
      expect(await processesWith(folder.path)).toEqual([])
      expect(await readdir(folder.path)).toEqual(['veilcast.yaml'])
    },
    limitMs,
  )

  it(
    'behavior: names the endpoint that cannot be reached',
    async () => {
      const config = quietConfig(localnet, [anvilSetup(anvil, 'http://127.0.0.1:9')])
      const { code, stdout } = await command('check', '--config', await configureBy(stringify(config)))
      expect(code).toBe(2)
      expect(stdout).toMatch(new RegExp(`^FAIL  ${anvil.chainId} anvil: does not answer`, 'm'))
      expect(stdout).toMatch(/^ok {4}mixnet: a round trip took/m)
    },
    limitMs,
  )

  it(
    'behavior: names all that is wrong at once: a port in use, an endpoint of another chain, a mixnet that is away',
    async () => {
      const taken = createServer().listen(0, '127.0.0.1')
      await once(taken, 'listening')
      const { port } = taken.address() as AddressInfo
      const { mixnet, ...rest } = quietConfig(localnet, [{ ...anvilSetup(anvil), chain: 'eip155:1' }])
      const away = { ...mixnet, nymApiUrl: 'http://127.0.0.1:9/api' }
      const config = { ...rest, mixnet: away, http: { port } }
      const { code, stdout } = await command('check', '--config', await configureBy(stringify(config)))
      taken.close()
      expect(code).toBe(2)
      expect(stdout).toMatch(new RegExp(`^FAIL  dashboard: .*127.0.0.1:${port} `, 'm'))
      expect(stdout).toMatch(
        new RegExp(`^FAIL  eip155:1 anvil: is on ${anvil.chainId}, and not on eip155:1`, 'm'),
      )
      expect(stdout).toMatch(/^FAIL {2}mixnet: /m)
      expect(stdout).toMatch(/^ok {4}store: embedded, durability fsync/m)
      expect(await readdir(folder.path)).toEqual(['other.yaml'])
    },
    limitMs,
  )

  it(
    'behavior: Ctrl-C ends it, and leaves nothing',
    async () => {
      const checking = run(process.execPath, [broadcasterProgram, 'check', '--config', await configure()])
      await checking.said(/^ok {4}dashboard/)
      checking.child.kill('SIGINT')
      expect((await checking.ended).code).toBe(130)
      expect(await processesWith(folder.path)).toEqual([])
      expect(await readdir(folder.path)).toEqual(['veilcast.yaml'])
    },
    limitMs,
  )
})

describe('veilcast-broadcaster run', () => {
  let broadcaster: BroadcasterProcess

  it(
    'default: says where it is, and on SIGTERM ends in order with code 0',
    async () => {
      broadcaster = await runBroadcaster(await configure())
      expect(broadcaster.address).toMatch(/^\w+\.\w+@\w+$/)
      broadcaster.child.kill('SIGTERM')
      const { code, stdout } = await broadcaster.ended
      expect(code).toBe(0)
      expect(stdout.split('\n').at(-1)).toBe('{"event":"stopped"}')
      expect(await processesWith(folder.path)).toEqual([])
    },
    limitMs,
  )

  it.each([/opening the embedded store/, /connecting to the mixnet/])(
    'behavior: SIGTERM while it starts (%s) ends in order too',
    async (step) => {
      const starting = startBroadcaster(await configure())
      await starting.said(step)
      starting.child.kill('SIGTERM')
      const { code, stdout } = await starting.ended
      expect(code).toBe(0)
      expect(stdout).toBe('{"event":"stopped"}')
      expect(await processesWith(folder.path)).toEqual([])
    },
    limitMs,
  )

  it(
    'behavior: a second signal, a second later, ends it at once',
    async () => {
      broadcaster = await runBroadcaster(await configure())
      // A Postgres that stands still keeps it from stopping in order.
      const servers = (await processesWith(folder.path)).map((line) => Number.parseInt(line, 10))
      const postgres = servers.filter((id) => id !== broadcaster.child.pid)
      for (const id of postgres) process.kill(id, 'SIGSTOP')
      await until(() => !broadcaster.child.kill('SIGINT') || broadcaster.child.exitCode !== null, 300)
      expect((await broadcaster.ended).code).toBe(130)
      for (const id of postgres) process.kill(id, 'SIGCONT')
      await until(async () => (await processesWith(folder.path)).length === 0)
    },
    limitMs,
  )

  it(
    'behavior: runs where the endpoints of one chain are away and another chain has one, and /readyz says so',
    async () => {
      const gone = { chain: 'eip155:5', endpoints: [{ id: 'gone', url: 'http://127.0.0.1:9' }] }
      const config = quietConfig(localnet, [anvilSetup(anvil), gone])
      broadcaster = await runBroadcaster(await configureBy(stringify(config)))
      const ready = await fetch(`${broadcaster.dashboard}/readyz`)
      expect(ready.status).toBe(503)
      expect(await ready.json()).toMatchObject({
        store: true,
        mixnet: true,
        mixnets: { 'nym-1': true },
        chains: { [anvil.chainId]: true, 'eip155:5': false },
      })
      expect((await fetch(`${broadcaster.dashboard}/healthz`)).status).toBe(200)
      broadcaster.child.kill('SIGTERM')
      await broadcaster.ended
    },
    limitMs,
  )

  it(
    'behavior: its dashboard is for this machine only, and only to be read',
    async () => {
      broadcaster = await runBroadcaster(await configure())
      const { dashboard } = broadcaster
      const { hostname, port } = new URL(dashboard)
      expect(hostname).toBe('127.0.0.1')

      expect(await (await fetch(`${dashboard}/healthz`)).json()).toEqual({ ok: true })
      const ready = await fetch(`${dashboard}/readyz`)
      expect(ready.status).toBe(200)
      expect(await ready.json()).toEqual({
        ready: true,
        draining: false,
        store: true,
        workers: true,
        mixnet: true,
        mixnets: { 'nym-1': true },
        chains: { [anvil.chainId]: true },
      })
      expect(await (await fetch(`${dashboard}/metrics`)).text()).toMatch(
        /^veilcast_mixnet_round_trip_seconds\{mixnet="nym-1"\} /m,
      )
      const board = await fetch(`${dashboard}/queues`)
      expect(board.status).toBe(200)
      expect(await board.text()).toContain('Veilcast')
      const queues = (await (await fetch(`${dashboard}/queues/api/queues`)).json()) as {
        queues: { name: string }[]
      }
      expect(queues.queues.map(({ name }) => name)).toEqual(['submit', 'reconcile', 'confirm-eip155-31337'])
      const pause = async (headers: Record<string, string>) =>
        (await fetch(`${dashboard}/queues/api/queues/submit/pause`, { method: 'PUT', headers })).status
      // Not even its own page may.
      expect([await pause({}), await pause({ origin: new URL(dashboard).origin })]).toEqual([403, 405])

      // What listened on every interface would answer here too.
      const other = connect(Number(port), '127.0.0.2')
      await expect(once(other, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      // Whatever watches a machine asks for its health by a name of its own.
      expect(await statusFor('evil.example', `${dashboard}/healthz`)).toBe(200)
      for (const path of ['/', '/metrics', '/status.json', '/queues/api/queues']) {
        expect(await statusFor('evil.example', `${dashboard}${path}`)).toBe(421)
      }
      broadcaster.child.kill('SIGTERM')
      await broadcaster.ended
    },
    limitMs,
  )
})

/** A page elsewhere whose name was made to point here. */
async function statusFor(host: string, url: string): Promise<number | undefined> {
  const asking = request(url, { headers: { host } }).end()
  const [response] = await once(asking, 'response')
  response.resume()
  return response.statusCode
}

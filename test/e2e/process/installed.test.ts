import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { startAnvil } from '@veilcast/devnet'
import { keccak256 } from 'viem'
import { stringify } from 'yaml'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { execute, type LocalRegistry, pack, startLocalRegistry } from '../../support/localRegistry.ts'
import { anvilSetup } from '../../support/path.ts'
import { endAll, processesWith, type Running, root, run } from '../../support/processes.ts'

/** The packages as somebody has them who installs them: no workspace, no sources, and no script that ran at installation. */

const limitMs = 180_000
const packages = [
  { name: '@veilcast/shared', from: 'shared', command: undefined },
  { name: '@veilcast/client', from: 'client', command: 'veilcast' },
  { name: '@veilcast/broadcaster', from: 'broadcaster', command: 'veilcast-broadcaster' },
  { name: '@veilcast/localnet', from: 'infra/localnet', command: 'veilcast-localnet' },
]
const commands = packages.flatMap(({ command }) => command ?? [])

let folder: string
let project: string
let registry: LocalRegistry

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veilcast-installed-'))
  // The embedded Postgres runs as another user where we are root.
  await chmod(folder, 0o755)
  registry = await startLocalRegistry(folder)
  project = join(folder, 'project')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'operator', private: true }))
  await npm('install', ...packages.map(({ name }) => name))
}, limitMs)
afterEach(async () => {
  await endAll()
  for (const line of await processesWith(folder)) process.kill(Number.parseInt(line, 10), 'SIGKILL')
})
afterAll(async () => {
  await registry?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Without the scripts of packages, as npm is told more and more often: what they would have done must not be missed. */
function npm(...args: string[]): Promise<unknown> {
  const quiet = [
    '--registry',
    registry.url,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  return execute('npm', [...args, ...quiet], {
    cwd: project,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      npm_config_cache: join(folder, 'cache'),
      npm_config_fetch_retries: '0',
      npm_config_update_notifier: 'false',
    },
  })
}

/** A command of the project, by the shell's own way to it: its link, its mode and its first line count. */
function start(command: string, ...args: string[]): Running {
  return run(join(project, 'node_modules/.bin', command), args, { cwd: project })
}

describe('npm install of all packages in an empty project', () => {
  it.each(commands)('%s --help', async (command) => {
    const { code, stdout } = await start(command, '--help').ended
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^Usage: ${command} `))
  })

  it(
    'default: a local Nym network, a broadcaster on the embedded store, and a transaction that it serves',
    async () => {
      const anvil = await startAnvil()
      try {
        const localnet = start('veilcast-localnet', '--json')
        const network = JSON.parse(await localnet.said(/"event":"ready"/)) as Record<string, string>
        const config = join(project, 'veilcast.yaml')
        await writeFile(config, stringify({ ...configFor(network), chains: [anvilSetup(anvil)] }))

        const checked = await start('veilcast-broadcaster', 'check', '--config', config).ended
        expect(checked.stdout.split('\n').filter((line) => !line.startsWith('ok'))).toEqual([])
        expect(checked.code).toBe(0)

        const broadcaster = start('veilcast-broadcaster', 'run', '--json', '--config', config)
        const {
          addresses: [address],
        } = JSON.parse(await broadcaster.said(/"event":"ready"/)) as { addresses: [string] }
        const signedTx = await signEthTransfer(anvil, {
          from: anvil.accounts[0]!,
          to: anvil.accounts[1]!.address,
          valueWei: 1n,
        })
        const { code, stdout, stderr } = await start(
          'veilcast',
          ...['submit', '--json', '--chain', anvil.chainId, '--tx', signedTx, '--broadcaster', address],
          ...['--nym-api', network.nymApiUrl!, '--gateway', network.preferredGateway!],
        ).ended
        expect(`${code} ${stderr}`).toMatch(/^0 /)
        expect(JSON.parse(stdout)).toMatchObject({ ok: true, stage: 'included', txId: keccak256(signedTx) })

        for (const running of [broadcaster, localnet]) {
          running.child.kill('SIGTERM')
          expect((await running.ended).code).toBe(0)
        }
        expect(await processesWith(folder)).toEqual([])
      } finally {
        await anvil.stop()
      }
    },
    limitMs,
  )

  it('error: traces are asked for, and the packages that they need are not there', async () => {
    const anvil = await startAnvil()
    try {
      const config = join(project, 'traces.yaml')
      const network = { nymApiUrl: 'http://127.0.0.1:9/api', preferredGateway: '' }
      const telemetry = { otlpUrl: 'http://127.0.0.1:9/v1/traces' }
      await writeFile(
        config,
        stringify({ ...configFor(network), telemetry, chains: [anvilSetup(anvil)], dataDir: 'traces' }),
      )
      const { code, stderr } = await start('veilcast-broadcaster', 'run', '--config', config).ended
      expect(`${code} ${stderr}`).toMatch(/^1 .*telemetry\.otlpUrl .*npm install @opentelemetry\/api /)
    } finally {
      await anvil.stop()
    }
  }, 60_000)

  it(
    'behavior: npm install --global puts the command on the path',
    async () => {
      const prefix = join(folder, 'global')
      await npm('install', '--global', '--prefix', prefix, '@veilcast/broadcaster')
      expect(await readdir(join(prefix, 'bin'))).toEqual(['veilcast-broadcaster'])
      const { code, stdout } = await run(join(prefix, 'bin/veilcast-broadcaster'), ['--help'], {
        cwd: folder,
      }).ended
      expect(code).toBe(0)
      expect(stdout).toMatch(/^Usage: veilcast-broadcaster /)
    },
    limitMs,
  )
})

describe.each(packages)('the package $name', ({ name, from, command }) => {
  const installed = (file: string): string => join(project, 'node_modules', name, file)

  it('default: says what it is, brings its licence, and names whatever it imports', async () => {
    const manifest = JSON.parse(await readFile(installed('package.json'), 'utf8'))
    expect(manifest).toMatchObject({ license: 'Apache-2.0', engines: { node: '>=20.19' }, type: 'module' })
    expect(manifest.description).toMatch(/^.{20,200}\.$/)
    expect(manifest.keywords.length).toBeGreaterThan(4)
    expect(Object.keys(manifest.bin ?? {})).toEqual(command ? [command] : [])
    expect(await readFile(installed('LICENSE'), 'utf8')).toBe(await readFile(join(root, 'LICENSE'), 'utf8'))
    // Nothing of ours runs at installation.
    expect(manifest.scripts).toBeUndefined()
  })

  it(
    'behavior: publint and attw find nothing wrong in what would be published',
    async () => {
      const to = join(folder, name.slice(name.indexOf('/') + 1))
      await mkdir(to)
      await pack(from, to)
      const [tarball] = await readdir(to)
      for (const [tool, ...options] of [
        ['publint', 'run', '--strict'],
        ['attw', '--profile', 'esm-only', '--no-emoji', '--format', 'ascii'],
      ] as const) {
        const { code, stdout, stderr } = await run(join(root, 'node_modules/.bin', tool), [
          ...options,
          join(to, tarball!),
        ]).ended
        expect(`${tool} ${code}${code === 0 ? '' : stdout + stderr}`).toBe(`${tool} 0`)
      }
    },
    limitMs,
  )
})

function configFor(network: Record<string, string>) {
  return {
    dataDir: 'data',
    mixnet: {
      transport: 'nym-wasm',
      nymApiUrl: network.nymApiUrl,
      preferredGateway: network.preferredGateway,
      disableCoverTraffic: true,
      disablePacing: true,
    },
    http: { port: 0 },
  }
}

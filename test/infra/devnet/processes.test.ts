import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  buildCosmosBinary,
  describeCosmosAvailability,
  GoBuildError,
  startCosmosChain,
} from '@veilcast/devnet'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'

const owner = join(__dirname, 'owner.mjs')
const command = join(__dirname, '../../../infra/devnet/dist/main.js')

const pause = () => new Promise((resolve) => setTimeout(resolve, 30))
const firstLine = async (child: ChildProcess) =>
  (await once(createInterface({ input: child.stdout! }), 'line'))[0] as string
const answers = (rpcUrl: string) =>
  fetch(rpcUrl, { method: 'POST', body: '{}' }).then(
    () => true,
    () => false,
  )
async function untilSilent(rpcUrl: string) {
  while (await answers(rpcUrl)) await pause()
}

describe('a killed owner', () => {
  it('default: its anvil ends with it', async () => {
    const child = spawn(process.execPath, [owner, 'anvil'])
    const rpcUrl = await firstLine(child)
    expect(await answers(rpcUrl)).toBe(true)
    child.kill('SIGKILL')
    await untilSilent(rpcUrl)
  })
})

cosmosOrSkip('a killed owner of a Cosmos chain', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'devnet-owner-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('default: its chain ends with it, and the next start in the same home works', async () => {
    const home = join(folder, 'home')
    const child = spawn(process.execPath, [owner, 'cosmos', home])
    const rpcUrl = await firstLine(child)
    child.kill('SIGKILL')
    await untilSilent(rpcUrl)
    const chain = await startCosmosChain({ home, blockTimeMs: 100 })
    await chain.stop()
  }, 60_000)

  it('behavior: a chain that even lost its keeper is stopped by the next start in its home', async () => {
    const home = join(folder, 'home')
    const child = spawn(process.execPath, [owner, 'cosmos', home])
    const rpcUrl = await firstLine(child)
    const { groupId } = JSON.parse(await readFile(join(home, 'running.json'), 'utf8')) as { groupId: number }
    const listed = execFileSync('ps', ['-A', '-o', 'pid=,pgid=,comm='], { encoding: 'utf8' })
    for (const line of listed.split('\n')) {
      const [processId, group, name] = line.trim().split(/\s+/)
      if (Number(group) === groupId && name === 'sh') process.kill(Number(processId), 'SIGKILL')
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    // It lives on, until a line of its log finds nobody who reads: that it does so long enough is a matter of luck.
    const chain = await startCosmosChain({ home, blockTimeMs: 100 })
    expect(await answers(rpcUrl)).toBe(false)
    await chain.stop()
  }, 60_000)

  it('behavior: the temporary home of a dead process is removed by the next start', async () => {
    const child = spawn(process.execPath, [owner, 'cosmos'])
    const rpcUrl = await firstLine(child)
    const homes = async () =>
      (await readdir(tmpdir())).filter((name) => name.startsWith(`veilcast-cosmos-${child.pid}-`))
    child.kill('SIGKILL')
    await untilSilent(rpcUrl)
    expect(await homes()).toHaveLength(1)
    const chain = await startCosmosChain({ blockTimeMs: 100 })
    expect(await homes()).toHaveLength(0)
    await chain.stop()
  }, 60_000)
})

/** A `go` that lists two packages, and builds at once, or never, or fails. */
const goThat = (builds: string) => `#!/bin/sh
case "$1" in
  version) echo "go version go1.99.0 linux/amd64";;
  list) echo a; echo b;;
  build) echo "$$" >>"$BUILDS"; touch "$GOTMPDIR/object"; ${builds};;
esac
`
const outcome = {
  builds: 'while [ "$1" != -o ]; do shift; done; echo "#!/bin/sh" >"$2"; chmod +x "$2"',
  hangs: 'sleep 1000 & wait',
  fails: 'echo "no such package" >&2; exit 1',
}

describe('buildCosmosBinary', () => {
  const environment = { ...process.env }
  let folder: string
  let cache: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'devnet-build-'))
    cache = join(folder, 'cache', 'veilcast')
    process.env.PATH = `${folder}:/usr/bin:/bin`
    process.env.BUILDS = join(folder, 'builds')
    process.env.XDG_CACHE_HOME = join(folder, 'cache')
    delete process.env.VEILCAST_COSMOS_BINARY
  })
  afterEach(async () => {
    for (const name of ['PATH', 'XDG_CACHE_HOME', 'VEILCAST_COSMOS_BINARY', 'BUILDS']) {
      if (environment[name] === undefined) delete process.env[name]
      else process.env[name] = environment[name]
    }
    await rm(folder, { recursive: true, force: true })
  })
  const installGo = async (builds: string) => {
    await writeFile(join(folder, 'go'), goThat(builds))
    await chmod(join(folder, 'go'), 0o755)
  }
  const builds = async () => (await readFile(join(folder, 'builds'), 'utf8')).trim().split('\n')

  it('default: builds once for several callers, and leaves the binary alone in the cache', async () => {
    await installGo(outcome.builds)
    expect(describeCosmosAvailability()).toContain('builds one with go1.99.0')
    const lines: string[] = []
    const onProgress = (line: string) => lines.push(line)
    const paths = await Promise.all([buildCosmosBinary({ onProgress }), buildCosmosBinary({ onProgress })])
    expect(new Set([...paths, await buildCosmosBinary()]).size).toBe(1)
    expect(await builds()).toHaveLength(1)
    expect(await readdir(cache)).toEqual([
      expect.stringMatching(/^simd-[0-9a-f]{12}-go1\.99\.0-linux-amd64$/),
    ])
    expect(lines).toContain('simd: compiling 2 packages with go1.99.0')
    expect(lines).toContain(`simd: process ${process.pid} is building it, waiting`)
    expect(describeCosmosAvailability()).toBe(`${paths[0]} (built here)`)
  })

  it('behavior: an abort in the middle ends the compiler and leaves nothing; the next run works', async () => {
    await installGo(outcome.hangs)
    const controller = new AbortController()
    const reason = new Error('Ctrl-C')
    const building = buildCosmosBinary({ signal: controller.signal })
    const refused = expect(building).rejects.toBe(reason)
    while (!existsSync(join(folder, 'builds'))) await pause()
    controller.abort(reason)
    await refused
    expect(await readdir(cache)).toEqual([])
    const [compiler] = await builds()
    expect(() => process.kill(Number(compiler), 0)).toThrow('ESRCH')
    await installGo(outcome.builds)
    await buildCosmosBinary()
  })

  it('behavior: the lock and the work of a dead process are taken over', async () => {
    await installGo(outcome.builds)
    const dead = spawn('true')
    await once(dead, 'exit')
    await mkdir(join(cache, `simd-work-${dead.pid}-abcdef`), { recursive: true })
    await writeFile(join(cache, 'simd.lock'), `${dead.pid}\n`)
    await buildCosmosBinary()
    expect(await readdir(cache)).toHaveLength(1)
  })

  it('behavior: a failed build says what go said and leaves nothing', async () => {
    await installGo(outcome.fails)
    const building = buildCosmosBinary()
    await expect(building).rejects.toThrow(GoBuildError)
    await expect(building).rejects.toThrow('no such package')
    expect(await readdir(cache)).toEqual([])
  })

  it('behavior: without Go one line says how to get a chain', async () => {
    expect(describeCosmosAvailability()).toMatch(/^(no Cosmos chain: install Go|simd in Docker).*$/)
    await expect(buildCosmosBinary()).rejects.toThrow(/no Go 1\.24 or newer/)
  })
})

describe('veilcast-devnet', () => {
  it('default: prints one line of JSON when ready; SIGINT, twice as a terminal sends it, stops the chain', async () => {
    const child = spawn(process.execPath, [command, 'anvil', '--anvil-port', '0', '--json'])
    const { anvil } = JSON.parse(await firstLine(child)) as { anvil: { rpcUrl: string; accounts: unknown[] } }
    expect(anvil.accounts).toHaveLength(10)
    expect(await answers(anvil.rpcUrl)).toBe(true)
    child.kill('SIGINT')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(await answers(anvil.rpcUrl)).toBe(false)
  })

  it('behavior: a wrong word or number is refused, with a pointer to --help', () => {
    for (const words of [
      ['avnil'],
      ['anvil', '--anvil-port', 'x'],
      ['--nonsense'],
      ['build-cosmos', 'anvil'],
    ]) {
      const run = () => execFileSync(process.execPath, [command, ...words], { stdio: 'pipe' })
      expect(run).toThrow(
        expect.objectContaining({ status: 2, message: expect.stringContaining('See --help.') }),
      )
    }
    expect(execFileSync(process.execPath, [command, '--help'], { encoding: 'utf8' })).toContain(
      'build-cosmos',
    )
  })
})

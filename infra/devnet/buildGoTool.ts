import { execFileSync, type StdioOptions } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cacheFolder.ts'
import { GoBuildError } from './errors.ts'
import { holdLock } from './holdLock.ts'
import { removeLeftovers } from './removeLeftovers.ts'
import { spawnGroup } from './spawnGroup.ts'

/** A command of a published Go module; `go/<module>` beside this package's dist pins every module that goes into it. */
export type GoTool = { module: string; package: string; binary: string }

export type GoBuildOptions = {
  signal?: AbortSignal | undefined
  /** One line every two seconds or so, and one for each step. */
  onProgress?: ((line: string) => void) | undefined
}

/** The oldest Go that reads the `tool` line of a go.mod. */
const minimumGo = [1, 24] as const
const progressMs = 2_000

/** The Go that would build, as `go1.26.8`, or undefined if there is none or it is too old. */
export function findGo(): string | undefined {
  return goVersion()?.version
}

/** The path of the tool's binary if it is in the cache. Without Go, any that was built from the same modules. */
export function findBuiltGoTool(tool: GoTool): string | undefined {
  const modules = modulesHash(tool)
  const go = goVersion()
  const folder = cacheFolder()
  if (go) {
    const path = join(folder, binaryName(tool, modules, go))
    return existsSync(path) ? path : undefined
  }
  if (!existsSync(folder)) return undefined
  const name = readdirSync(folder).find(
    (entry) => entry.startsWith(`${tool.binary}-${modules}-`) && entry.endsWith(platform()),
  )
  return name && join(folder, name)
}

/**
 * Builds a Go tool into the cache unless it is there, and returns its path. Of several processes one builds and the
 * others wait for it. Needs `go` on PATH, and for the first build a Go module proxy.
 *
 * @throws GoBuildError if there is no Go, or the build fails
 * @throws the signal's reason if it aborts; nothing is left behind then
 */
export async function buildGoTool(tool: GoTool, options: GoBuildOptions = {}): Promise<string> {
  const { signal, onProgress = () => {} } = options
  signal?.throwIfAborted()
  const go = goVersion()
  if (!go) throw new GoBuildError(`no Go ${minimumGo.join('.')} or newer on PATH`)
  const folder = cacheFolder()
  const target = join(folder, binaryName(tool, modulesHash(tool), go))
  if (existsSync(target)) return target

  const onWait = (owner: number) => onProgress(`${tool.binary}: process ${owner} is building it, waiting`)
  return holdLock(join(folder, `${tool.module}.lock`), { signal, onWait }, async () => {
    if (existsSync(target)) return target
    const workPrefix = `${tool.module}-work-`
    await removeLeftovers(folder, workPrefix)
    const work = await mkdtemp(join(folder, `${workPrefix}${process.pid}-`))
    try {
      const startedAt = Date.now()
      const run = (args: string[], onLine: (line: string) => void) => runGo(tool, args, work, onLine, signal)
      onProgress(`${tool.binary}: fetching Go modules`)
      const paced = pace(onProgress)
      let packages = 0
      await run(['list', '-mod=readonly', '-deps', tool.package], (line) => {
        if (line.startsWith('go: ')) paced(`${tool.binary}: ${line.slice('go: '.length)}`)
        else packages += 1
      })
      onProgress(`${tool.binary}: compiling ${packages} packages with ${go.version}`)
      let compiled = 0
      const flags = ['-mod=readonly', '-buildvcs=false', '-v', '-ldflags=-s -w']
      await run(['build', ...flags, '-o', join(work, tool.binary), tool.package], (line) => {
        compiled += 1
        paced(`${tool.binary}: ${compiled} of at most ${packages}: ${line}`)
      })
      await rename(join(work, tool.binary), target)
      onProgress(`${tool.binary}: built in ${Math.round((Date.now() - startedAt) / 1000)} s: ${target}`)
      return target
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  })
}

async function runGo(
  tool: GoTool,
  args: string[],
  work: string,
  onLine: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const env = {
    ...process.env,
    CGO_ENABLED: '0',
    GOWORK: 'off',
    GOTMPDIR: work,
  }
  const go = spawnGroup('go', args, { cwd: moduleFolder(tool), env, onLine })
  const stop = () => void go.stop()
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()
  const { status } = await go.exited
  signal?.removeEventListener('abort', stop)
  if (signal?.aborted) {
    await go.stop()
    signal.throwIfAborted()
  }
  if (status !== 0) {
    throw new GoBuildError(`go ${args[0]} failed for ${tool.module}:\n${go.lastLines().slice(-8).join('\n')}`)
  }
}

function pace(onProgress: (line: string) => void): (line: string) => void {
  let nextAt = 0
  return (line) => {
    if (Date.now() < nextAt) return
    nextAt = Date.now() + progressMs
    onProgress(line)
  }
}

type GoVersion = { version: string; os: string; arch: string }

function goVersion(): GoVersion | undefined {
  let text: string
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore']
    text = execFileSync('go', ['version'], { encoding: 'utf8', stdio, timeout: 5_000, env: process.env })
  } catch {
    return undefined
  }
  const match = /^go version (go(\d+)\.(\d+)\S*)\b.* (\w+)\/(\w+)$/.exec(text.trim())
  if (!match) return undefined
  const [, version = '', major = '', minor = '', os = '', arch = ''] = match
  const old = Number(major) === minimumGo[0] && Number(minor) < minimumGo[1]
  return old ? undefined : { version, os, arch }
}

function binaryName(tool: GoTool, modules: string, go: GoVersion): string {
  return `${tool.binary}-${modules}-${go.version}-${go.os}-${go.arch}`
}

/** The end of a binary's name, in Go's words. */
function platform(): string {
  return `-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
}

function modulesHash(tool: GoTool): string {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(moduleFolder(tool), file)))
  return hash.digest('hex').slice(0, 12)
}

function moduleFolder(tool: GoTool): string {
  return fileURLToPath(new URL(`../go/${tool.module}/`, import.meta.url))
}

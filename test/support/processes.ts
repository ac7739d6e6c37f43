import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Localnet } from '@veilcast/localnet'
import { stringify } from 'yaml'
import type { ChainSetup } from './path.ts'

export const root = join(__dirname, '../..')
export const broadcasterProgram = join(root, 'broadcaster/bin/veilcast-broadcaster.js')
export const clientProgram = join(root, 'client/bin/veilcast.js')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  /** The first line of stdout or stderr that matches, also one that is past. Rejects where the program ends without it. */
  said(pattern: RegExp): Promise<string>
  readonly ended: Promise<Ended>
}

/** A program with its words kept. Whoever starts it ends it: {@link endAll} in `afterEach` ends what a failed test left. */
export function run(
  program: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv
    readonly cwd?: string
    readonly detached?: boolean
    /** Default: nothing to read. */
    readonly stdin?: 'pipe'
  } = {},
): Running {
  const child = spawn(program, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    detached: options.detached ?? false,
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
  })
  started.add(child)
  const words = { stdout: [] as string[], stderr: [] as string[] }
  const listening = new Set<(line: string) => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[name]! }).on('line', (line) => {
      words[name].push(line)
      for (const hear of listening) hear(line)
    })
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      started.delete(child)
      resolve({ code, signal, stdout: words.stdout.join('\n'), stderr: words.stderr.join('\n') })
    })
  })
  return {
    child,
    ended,
    async said(pattern) {
      const past = [...words.stdout, ...words.stderr].find((line) => pattern.test(line))
      if (past !== undefined) return past
      return new Promise((resolve, reject) => {
        const hear = (line: string): void => {
          if (!pattern.test(line)) return
          listening.delete(hear)
          resolve(line)
        }
        listening.add(hear)
        ended.then(
          (end) => reject(new Error(`ended without ${pattern}:\n${JSON.stringify(end, null, 2)}`)),
          reject,
        )
      })
    },
  }
}

const started = new Set<ChildProcess>()

export async function endAll(): Promise<void> {
  await Promise.all(
    [...started].map((child) => {
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      return closed
    }),
  )
}

export interface BroadcasterProcess extends Running {
  /** That of its first Nym client. */
  readonly address: string
  readonly addresses: readonly string[]
  readonly dashboard: string
}

/** `veilcast-broadcaster run`, as an operator runs it. */
export function startBroadcaster(configFile: string): Running {
  return run(process.execPath, [broadcasterProgram, 'run', '--config', configFile, '--json'])
}

/** The same, once it is ready. */
export async function runBroadcaster(configFile: string): Promise<BroadcasterProcess> {
  const running = startBroadcaster(configFile)
  const ready = JSON.parse(await running.said(/^\{"event":"ready"/)) as {
    addresses: string[]
    dashboard: string
  }
  return { ...running, ...ready, address: ready.addresses[0]! }
}

/** Kills it as a crash of the machine's memory does: nothing is put in order. */
export async function kill9(running: Running): Promise<void> {
  running.child.kill('SIGKILL')
  await running.ended
}

/** Writes `veilcast.yaml` into the folder. Without cover and pacing: several suites share the machine. */
export async function writeConfig(
  folder: string,
  localnet: Localnet,
  chains: readonly ChainSetup[],
  more: object = {},
): Promise<string> {
  const path = join(folder, 'veilcast.yaml')
  await writeFile(path, stringify({ ...quietConfig(localnet, chains), ...more }))
  return path
}

export function quietConfig(localnet: Localnet, chains: readonly ChainSetup[]) {
  return {
    dataDir: 'data',
    mixnet: {
      transport: 'nym-wasm',
      nymApiUrl: localnet.nymApiUrl,
      preferredGateway: localnet.preferredGateway,
      disableCoverTraffic: true,
      disablePacing: true,
    },
    store: { kind: 'embedded' },
    http: { port: 0 },
    chains,
  }
}

/** What runs with `word` in its command line or its environment, as far as we may look. Linux only. */
export async function processesWith(word: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue
    const [commandLine, environment] = await Promise.all(
      ['cmdline', 'environ'].map((file) => readFile(`/proc/${entry}/${file}`, 'utf8').catch(() => '')),
    )
    if (`${commandLine}${environment}`.includes(word)) {
      found.push(`${entry} ${commandLine!.replaceAll('\0', ' ').trim()}`)
    }
  }
  return found
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'
import { root } from './root.ts'
import type { NetworkPlace } from './startLocalnetThread.ts'

export interface RunningBroadcaster {
  /** Of its first Nym client, where it has one. */
  readonly address: string
  readonly addresses: readonly string[]
  /** `http://127.0.0.1:<port>` */
  readonly dashboard: string
  readonly pid: number
  /** From the start of the process to its `ready`, which follows a round trip through the mixnet. */
  readonly readyMs: number
  stop(): Promise<void>
  /** As a crash does. */
  kill(): Promise<void>
}

const program = join(root, 'broadcaster/bin/veilcast-broadcaster.js')
const stopLimitMs = 20_000

/** `veilcast-broadcaster run`, as an operator runs it, with its files in `folder`. */
export async function runBroadcaster(
  folder: string,
  config: object,
  signal: AbortSignal,
): Promise<RunningBroadcaster> {
  signal.throwIfAborted()
  const configFile = join(folder, 'veilcast.yaml')
  await writeFile(configFile, stringify(config))
  const startMs = performance.now()
  const child = spawn(process.execPath, [program, 'run', '--config', configFile, '--json'], {
    // A group of its own: Ctrl-C reaches us alone, and we stop it in order. By the channel it ends with us.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const exited = once(child, 'exit')
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    words = `${words}${chunk}`.slice(-1000)
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    // A second signal ends it at once, and its Postgres with it.
    const late = setTimeout(() => child.kill('SIGTERM'), stopLimitMs)
    await exited
    clearTimeout(late)
  }
  try {
    const ready = await new Promise<{ addresses: string[]; dashboard: string }>((resolve, reject) => {
      if (child.stdout) {
        createInterface({ input: child.stdout }).on('line', (line) => {
          if (line.startsWith('{"event":"ready"')) resolve(JSON.parse(line))
        })
      }
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      void exited.then(([code]) => reject(new Error(`The broadcaster ended with ${code}: ${words}`)))
    })
    const kill = async (): Promise<void> => {
      child.kill('SIGKILL')
      await exited
    }
    const address = ready.addresses[0] ?? ''
    return { ...ready, address, pid: child.pid ?? 0, readyMs: performance.now() - startMs, stop, kill }
  } catch (error) {
    await stop()
    throw error
  }
}

/** As a configuration says it. */
export function nymWasmOf({
  nymApiUrl,
  preferredGateway,
}: NetworkPlace): NetworkPlace & { readonly transport: 'nym-wasm' } {
  return { transport: 'nym-wasm', nymApiUrl, preferredGateway }
}

import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'

export interface RunningBroadcaster {
  readonly address: string
  readonly dashboard: string
  readonly configFile: string
  readonly logFile: string
  stop(): Promise<void>
}

const stopLimitMs = 15_000
const exitLimitMs = 5_000

/** Runs `veilcast-broadcaster run` as an operator would, in a process of its own, with its files in `folder`. */
export async function startBroadcaster(
  folder: string,
  config: object,
  signal: AbortSignal,
): Promise<RunningBroadcaster> {
  signal.throwIfAborted()
  const configFile = join(folder, 'veilcast.yaml')
  const logFile = join(folder, 'broadcaster.log')
  await writeFile(configFile, stringify(config))
  const program = fileURLToPath(new URL('./main.js', import.meta.resolve('@veilcast/broadcaster')))
  const child = spawn(process.execPath, [program, 'run', '--config', configFile, '--json'], {
    // A group of its own: Ctrl-C in the terminal reaches us alone, and we stop it in order.
    detached: true,
    // The channel tells it when we are gone, even by kill -9.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const log = createWriteStream(logFile)
  let lastError = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    lastError = chunk.toString().trim().slice(-1000)
    log.write(chunk)
  })

  // Whatever ends us, it does not outlive us.
  const stopWithUs = (): void => void child.kill('SIGTERM')
  process.once('exit', stopWithUs)

  async function stop(): Promise<void> {
    child.kill('SIGTERM')
    // A second signal makes it exit at once, and still stops its Postgres; SIGKILL would leave that running.
    const late = [
      setTimeout(() => child.kill('SIGTERM'), stopLimitMs),
      setTimeout(() => child.kill('SIGKILL'), stopLimitMs + exitLimitMs),
    ]
    await exited
    for (const timer of late) clearTimeout(timer)
    process.off('exit', stopWithUs)
    log.end()
  }

  const ready = new Promise<{ address: string; dashboard: string }>((resolve, reject) => {
    const lines = createInterface({ input: child.stdout as Readable })
    lines.on('line', (line) => {
      log.write(`${line}\n`)
      if (!line.startsWith('{"event":"ready"')) return
      const { addresses, dashboard } = JSON.parse(line) as { addresses: [string]; dashboard: string }
      resolve({ address: addresses[0], dashboard })
    })
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    void exited.then((code) => reject(new Error(`The broadcaster ended with ${code}: ${lastError}`)))
  })
  try {
    return { ...(await ready), configFile, logFile, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

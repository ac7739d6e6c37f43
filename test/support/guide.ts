import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from '@swc/core'

const root = join(__dirname, '../..')

/** What a page leaves for its reader to fill in, and what stands there in this run. Each one that occurs is replaced. */
export interface Places {
  readonly nymApiUrl: string
  readonly gateway: string
  readonly broadcaster: string
  readonly evmKey: string
  readonly cosmosMnemonic: string
}

export interface Outcome {
  readonly exitCode: number | null
  readonly output: string
  /** Where the process and its threads connected to, and which names they looked up. */
  readonly contacts: readonly Contact[]
}

export interface Contact {
  readonly kind: 'watching' | 'tcp' | 'udp' | 'pipe' | 'lookup'
  readonly to: string
}

/** The page's first block of TypeScript: its complete example. */
export function exampleOf(page: string): string {
  const text = readFileSync(join(root, 'docs/guides', page), 'utf8')
  const [, example] = /```ts\n([\s\S]*?)```/.exec(text) ?? []
  if (!example) throw new Error(`docs/guides/${page} holds no example.`)
  return example
}

export function fillIn(example: string, places: Places): string {
  const filled = example
    .replaceAll(
      `nymApiUrl: 'https://validator.nymtech.net/api'`,
      `nymApiUrl: '${places.nymApiUrl}', preferredGateway: '${places.gateway}', coverTraffic: 'light'`,
    )
    .replaceAll('<identity>.<encryption key>@<gateway>', places.broadcaster)
    .replaceAll('0x<private key>', places.evmKey)
    .replaceAll('<mnemonic>', places.cosmosMnemonic)
  const left = /<[a-z][a-z ]*>/.exec(filled)
  if (left) throw new Error(`Nothing fills in ${left[0]}.`)
  return filled
}

/** Runs TypeScript as a program of its own, its sockets and look-ups on record. */
export async function runRecorded(source: string, limitMs: number): Promise<Outcome> {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'veilcast-guide-'))
  const program = join(folder, 'example.mjs')
  const recordFile = join(folder, 'contacts')
  try {
    const { code } = transformSync(source, {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    })
    writeFileSync(program, code)
    writeFileSync(recordFile, '')
    const child = spawn(process.execPath, [program], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NODE_OPTIONS: `--require ${join(__dirname, 'recordSockets.cjs')}`,
        RECORD_SOCKETS_FILE: recordFile,
      },
      timeout: limitMs,
      killSignal: 'SIGKILL',
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk
      })
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
    const contacts = readFileSync(recordFile, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Contact)
    return { exitCode, output, contacts }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Everything that is not one of `allowed` (`host:port`), each once. */
export function strayContacts({ contacts }: Outcome, allowed: readonly string[]): string[] {
  const strays = contacts.filter(
    ({ kind, to }) => kind !== 'watching' && !(kind === 'tcp' && allowed.includes(to)),
  )
  return [...new Set(strays.map(({ kind, to }) => `${kind} ${to}`))]
}

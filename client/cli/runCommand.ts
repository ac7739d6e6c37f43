import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { createClient, type VeilcastClient } from '../createClient.ts'
import { createFileJournal } from '../journal/file.ts'
import type { Progress } from '../receipt.ts'
import { type MixnetChoice, openMixnet } from './openMixnet.ts'
import { describeProgress, errorJson, errorText } from './print.ts'

export interface CommonOptions extends MixnetChoice {
  readonly broadcaster?: readonly string[]
  readonly timeout: number
  readonly json?: boolean
  readonly journal?: string
}

export interface Result {
  readonly text: string
  readonly exitCode: number
}

/** What a command works with. */
export interface Command {
  readonly client: VeilcastClient
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly onProgress: (progress: Progress) => void
  /** Since the command began. */
  elapsedMs(): number
}

export const exitCodes = { ok: 0, invalid: 1, notSent: 2, unknown: 3, onChain: 4 } as const

/** A second signal counts only after this: a terminal's Ctrl-C reaches a process several times under npm. */
export const secondSignalAfterMs = 1000
export const signals = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Starts a client, acts, prints, stops. `prepare` reads and checks the arguments before anything is connected. The result goes to stdout, all else to stderr; the exit code says how it ended.
 * A signal ends the wait, and what is then known is told; a second one ends the process at once.
 */
export async function runCommand<T>(
  options: CommonOptions,
  prepare: () => Promise<T> | T,
  act: (command: Command, prepared: T) => Promise<Result>,
): Promise<void> {
  const startedAtMs = performance.now()
  const elapsedMs = () => performance.now() - startedAtMs
  const tell = (line: string) =>
    process.stderr.write(`${(elapsedMs() / 1000).toFixed(2).padStart(7)} s  ${line}\n`)
  const ending = new AbortController()
  let last: Progress | undefined
  let signalled: { code: number; atMs: number } | undefined
  let client: VeilcastClient | undefined

  const listen = () => {
    for (const [name, code] of Object.entries(signals)) {
      process.on(name, () => {
        if (!signalled) {
          signalled = { code, atMs: elapsedMs() }
          ending.abort()
        } else if (elapsedMs() - signalled.atMs > secondSignalAfterMs) process.exit(code)
      })
    }
  }

  try {
    if (!options.broadcaster)
      throw new VeilcastError('invalidArgument', { details: 'Name one with --broadcaster.' })
    client = createClient({
      mixnet: await openMixnet(options),
      broadcasters: options.broadcaster,
      ...(options.journal === undefined ? {} : { journal: createFileJournal({ folder: options.journal }) }),
    })
    const prepared = await prepare()
    listen()
    tell(`connecting by ${options.transport}`)
    await client.start({ signal: ending.signal })
    tell('connected')
    const command: Command = {
      client,
      signal: ending.signal,
      timeoutMs: Math.ceil(options.timeout * 1000),
      onProgress(progress) {
        last = progress
        tell(describeProgress(progress))
      },
      elapsedMs,
    }
    const { text, exitCode } = await act(command, prepared)
    process.stdout.write(`${text}\n`)
    process.exitCode = exitCode === exitCodes.unknown ? (signalled?.code ?? exitCode) : exitCode
  } catch (error) {
    const known =
      findVeilcastError(error) ??
      new VeilcastError('internal', { details: 'This is a bug of veilcast.', cause: error })
    process.exitCode =
      signalled?.code ??
      (known.errorName === 'invalidArgument' ? exitCodes.invalid : exitCodes[known.outcome])
    if (options.json) process.stdout.write(`${errorJson(known, last?.requestId, last?.txId)}\n`)
    process.stderr.write(`${errorText(known, last?.requestId)}\n`)
  } finally {
    await client?.stop()
    for (const name of Object.keys(signals)) process.removeAllListeners(name)
  }
}

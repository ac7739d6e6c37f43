#!/usr/bin/env node
import { Command, Option } from 'commander'
import { check } from './commands/check.ts'
import { doctor } from './commands/doctor.ts'
import { exportCommand } from './commands/export.ts'
import { hashPasswordCommand } from './commands/hashPassword.ts'
import { importCommand } from './commands/import.ts'
import { type InitOptions, init, mainnetApi } from './commands/init.ts'
import { markRestoredCommand } from './commands/markRestored.ts'
import { moveStoreCommand } from './commands/moveStore.ts'
import { askAtTerminal } from './commands/Questions.ts'
import { rotateKeyCommand } from './commands/rotateKey.ts'
import { terminal } from './commands/Terminal.ts'
import { checkBeforeRun } from './config/checkBeforeRun.ts'
import { type BroadcasterConfig, ConfigError } from './config/config.ts'
import { readConfigFile } from './config/readConfigFile.ts'
import { describeError } from './observability/logger.ts'
import { type Environment, type OpenedBroadcaster, openBroadcaster } from './openBroadcaster.ts'
import { type Role, roles } from './Role.ts'

/** The only file that reads argv and the environment. */

const exitCodes = `
Exit codes:
  0  done, or stopped by a signal in order
  1  the configuration or the command line is wrong
  2  something it needs is not there: store, mixnet, endpoint, port

Environment:
  VEILCAST_<KEY>            goes before the configuration's key: VEILCAST_LOG_LEVEL=debug, VEILCAST_HTTP__PORT=9000,
                            VEILCAST_CHAINS__0__ENDPOINTS__0__URL=...; with __FILE at its end it names a file
  VEILCAST_CONFIG           the configuration file, where --config names none
  REDIS_URL, DATABASE_URL   the store, where the configuration names none (else: embedded Postgres)`

const configFile = new Option('-c, --config <file>', 'configuration, YAML')
  .env('VEILCAST_CONFIG')
  .default('veilcast.yaml')

const roleOption = new Option(
  '--role <role>',
  'what this process does, whatever the configuration says: ingress speaks to wallets, worker to chains, all is both',
).choices(roles)

const program = new Command('veilcast-broadcaster')
  .description(
    'Takes signed transactions from the Nym mixnet, brings them on chain, and answers with receipts.',
  )
  .addHelpText('after', exitCodes)
  .showHelpAfterError('(see veilcast-broadcaster --help)')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 1)
  })

program
  .command('run')
  .description(
    'run until SIGINT or SIGTERM; a second signal exits at once; SIGHUP reads the configuration again',
  )
  .addOption(configFile)
  .addOption(roleOption)
  .option('--json', 'print what it says on standard output as JSON lines', false)
  .action(run)

program
  .command('mark-restored')
  .description(
    'after the store was put back from a copy of its files, and before the next run: what it calls unsent may have been sent since that copy',
  )
  .addOption(configFile)
  .action(({ config }) => upkeep(config, (read, rest) => markRestoredCommand(read, rest, terminal)))

program
  .command('export')
  .description('write all that the store holds into a file, sealed as it is; while no broadcaster runs')
  .addOption(configFile)
  .requiredOption('--to <file>', 'the file, which is not there yet')
  .option('--force', 'write over a file that is there', false)
  .action(({ config, ...options }) =>
    upkeep(config, (read, rest) => exportCommand(read, { ...options, ...rest }, terminal)),
  )

program
  .command('import')
  .description('fill the store from a file that export wrote; while no broadcaster runs')
  .addOption(configFile)
  .requiredOption('--from <file>', 'the file')
  .option('--force', 'delete what the store holds', false)
  .action(({ config, ...options }) =>
    upkeep(config, (read, rest) => importCommand(read, { ...options, ...rest }, terminal)),
  )

program
  .command('move-store')
  .description(
    'bring all that the store holds to another one, as from embedded to Redis; while no broadcaster runs',
  )
  .addOption(configFile)
  .requiredOption(
    '--to <store>',
    'embedded, a redis:// or a postgres:// URL; @file reads it from a file, where a password does not show in the list of processes',
  )
  .option('--force', 'delete what the other one holds', false)
  .option('--delete-source', 'delete what this one holds, once the other has it', false)
  .action(({ config, ...options }) =>
    upkeep(config, (read, rest) => moveStoreCommand(read, { ...options, ...rest }, terminal)),
  )

program
  .command('rotate-key')
  .description(
    'seal the store under a new key file; while no broadcaster runs, and again where it was cut off',
  )
  .addOption(configFile)
  .action(({ config }) => upkeep(config, (read, rest) => rotateKeyCommand(read, rest, terminal)))

program
  .command('check')
  .description(
    'read the configuration, try the store, each endpoint and each Nym client, and say what is wrong; leaves nothing behind',
  )
  .addOption(configFile)
  .addOption(roleOption)
  .option('--json', 'print the findings as JSON, on standard output', false)
  .action(checkCommand)

const many = (value: string, before: readonly string[]): readonly string[] => [...before, value]

program
  .command('init')
  .description('ask a few questions, and write a configuration and its key file; with --yes nothing is asked')
  .addOption(configFile)
  .option('--yes', 'ask nothing: what no flag says is the default', false)
  .option('--force', 'write over a configuration that is there; a key file is always kept', false)
  .option(
    '--chain <[chain=]url[#operator]>',
    "an endpoint's RPC, as often as you like: http://127.0.0.1:8545, eip155:1=https://rpc.example/KEY#them; it says itself which chain it is on",
    many,
    [],
  )
  .option('--rest <url>', "a Cosmos node's REST API, for an endpoint of the same chain", many, [])
  .addOption(
    new Option('--mixnet <transport>', 'the Nym client (default: nym-wasm)').choices([
      'nym-wasm',
      'nym-socket',
    ]),
  )
  .option('--nym-api <url>', `nym-wasm: the Nym API (default: ${mainnetApi})`)
  .option('--gateway <identity>', 'nym-wasm: the entry gateway (default: any)')
  .option('--nym-socket <url>', "nym-socket: the nym-client's websocket (default: ws://127.0.0.1:1977)")
  .option('--store <store>', 'embedded, a postgres:// URL or a redis:// URL (default: embedded)')
  .option('--host <address>', 'where the dashboard listens (default: 127.0.0.1)')
  .option('--port <number>', "the dashboard's port (default: 8645)")
  .option('--password-hash <hash>', "the dashboard's, where others can reach it")
  .option(
    '--data-dir <folder>',
    'for key, identity and database, relative to the configuration (default: .veilcast)',
  )
  .action(initCommand)

program
  .command('hash-password')
  .description(
    'print the hash of a password, for http.auth.passwordHash: asked at the terminal, or the first line of standard input',
  )
  .action(() => hashPasswordCommand().catch(giveUp))

program
  .command('doctor')
  .description(
    'ask a running broadcaster how it and those beside it are, and print what is wrong and what to do; exit code 2 where anything is, or none runs',
  )
  .addOption(configFile)
  .option('--url <url>', 'where its pages are (default: http.host and http.port of the configuration)')
  .option('--json', 'print what it says as JSON, on standard output', false)
  .action(doctorCommand)

interface Options {
  readonly config: string
  readonly json: boolean
  readonly role?: Role
}

async function run(options: Options): Promise<void> {
  const stopping = new AbortController()
  const say = (event: string, fields: Record<string, string | readonly string[]>): void => {
    const lines = Object.entries(fields).flatMap(([name, value]) =>
      [value].flat().map((one) => `  ${name}: ${one}`),
    )
    process.stdout.write(
      `${options.json ? JSON.stringify({ event, ...fields }) : [event, ...lines].join('\n')}\n`,
    )
  }

  const ended = onSignal(stopping)
  // Before it is ready there is nothing to reload yet.
  let onHangup = (): void => {}
  process.on('SIGHUP', () => onHangup())
  const broadcaster = await open(options, stopping.signal).catch((error: unknown) =>
    stopping.signal.aborted ? undefined : giveUp(error),
  )
  if (!broadcaster) {
    say('stopped', {})
    process.exit(0)
  }

  let onFailure = (_error: unknown): void => {}
  const failed = new Promise<never>((_, reject) => {
    onFailure = reject
  })
  failed.catch(() => {})
  try {
    await Promise.race([broadcaster.start({ signal: stopping.signal, onFailure }), failed])
    say('ready', { addresses: broadcaster.addresses(), dashboard: broadcaster.httpUrl() })
    onHangup = () => {
      readConfig(options.config)
        .then((config) => broadcaster.reload(withRole(config, options.role)))
        .then(({ changed, needsRestart }) => say('reloaded', { changed, needsRestart }))
        .catch((error: unknown) => complain(error, 'nothing was reloaded'))
    }
    await Promise.race([ended, failed])
  } catch (error) {
    if (!stopping.signal.aborted) {
      await broadcaster.stop()
      giveUp(error)
    }
  }
  await broadcaster.stop()
  say('stopped', {})
  process.exit(0)
}

/** Nothing is made before all that can be looked at was looked at. */
async function open(options: Options, signal: AbortSignal): Promise<OpenedBroadcaster> {
  const config = withRole(await readConfig(options.config), options.role)
  await checkBeforeRun(config, { environment: process.env, role: config.role, signal })
  signal.throwIfAborted()
  return openBroadcaster(config, { environment: process.env })
}

const withRole = (config: BroadcasterConfig, role: Role | undefined): BroadcasterConfig =>
  role ? { ...config, role } : config

/** Aborts at the first signal, and resolves; ends the process at a second one. */
function onSignal(stopping: AbortController): Promise<void> {
  let firstMs = 0
  return new Promise((resolve) => {
    const hear = (): void => {
      // A terminal's Ctrl-C reaches us more than once under npm: only one that comes later is meant as a second.
      if (firstMs > 0 && Date.now() - firstMs > 1000) process.exit(130)
      if (firstMs > 0) return
      firstMs = Date.now()
      stopping.abort()
      resolve()
    }
    process.on('SIGINT', hear)
    process.on('SIGTERM', hear)
    // Under a program that started us with a channel, as the demo does: when that is gone, however it ended, so are we.
    process.on('disconnect', hear)
  })
}

async function checkCommand({ config: path, role, json }: Options): Promise<void> {
  const stopping = new AbortController()
  void onSignal(stopping)
  const config = withRole(await readConfig(path).catch(giveUp), role)
  try {
    const { signal } = stopping
    const ok = await check(config, { environment: process.env, role: config.role, signal, json }, terminal)
    process.exit(ok ? 0 : 2)
  } catch (error) {
    if (stopping.signal.aborted) process.exit(130)
    giveUp(error)
  }
}

async function doctorCommand({
  config: path,
  ...options
}: Options & { readonly url?: string }): Promise<void> {
  const stopping = new AbortController()
  void onSignal(stopping)
  const config = await readConfig(path).catch(giveUp)
  try {
    process.exit((await doctor(config, { ...options, signal: stopping.signal }, terminal)) ? 0 : 2)
  } catch (error) {
    if (stopping.signal.aborted) process.exit(130)
    giveUp(error)
  }
}

async function initCommand(options: InitOptions): Promise<void> {
  const stopping = new AbortController()
  void onSignal(stopping)
  const questions = options.yes ? undefined : askAtTerminal(process.stdin, process.stdout, stopping)
  try {
    await init(options, { questions, terminal, signal: stopping.signal })
    process.exit(0)
  } catch (error) {
    terminal.progress('')
    if (stopping.signal.aborted) process.exit(130)
    giveUp(error)
  }
}

/** What takes its time with a store that no broadcaster has. A signal ends it in order. */
async function upkeep(
  path: string,
  work: (
    config: BroadcasterConfig,
    options: { readonly environment: Environment; readonly signal: AbortSignal },
  ) => Promise<void>,
): Promise<never> {
  const stopping = new AbortController()
  void onSignal(stopping)
  try {
    await work(await readConfig(path), { environment: process.env, signal: stopping.signal })
  } catch (error) {
    terminal.progress('')
    if (stopping.signal.aborted) {
      process.stderr.write('veilcast-broadcaster: stopped before it was done.\n')
      process.exit(130)
    }
    giveUp(error)
  }
  process.exit(0)
}

function readConfig(path: string): Promise<BroadcasterConfig> {
  return readConfigFile(path, {
    environment: process.env,
    onWarning: (text) => process.stderr.write(`veilcast-broadcaster: warning: ${text}\n`),
  })
}

function complain(error: unknown, what?: string): void {
  const { name, message } = describeError(error)
  // What is not our own error may carry a URL with its key: its class says enough.
  const why = message ?? `${name} (nothing more is said, since its text may hold secrets)`
  process.stderr.write(`veilcast-broadcaster: ${what ? `${what}: ` : ''}${why}\n`)
}

function giveUp(error: unknown): never {
  complain(error)
  process.exit(error instanceof ConfigError ? 1 : 2)
}

// A foreign error's text would be printed as it is, with whatever secret it holds.
process.on('unhandledRejection', giveUp)
process.on('uncaughtException', giveUp)

await program.parseAsync()

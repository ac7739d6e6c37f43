import { readFileSync } from 'node:fs'
import { untilWords } from '@veilcast/shared/protocol'
import { Command, InvalidArgumentError, Option } from 'commander'
import { computeTxId } from '../computeTxId.ts'
import { parseStatus, parseSubmit } from '../parseArguments.ts'
import type { Receipt } from '../receipt.ts'
import { defaultPort } from '../rpc/serveRpc.ts'
import { maxFee } from './maxFee.ts'
import { mainnetApi, transports } from './openMixnet.ts'
import { infoTable, receiptTable, toJson } from './print.ts'
import { readTransaction } from './readTransaction.ts'
import { resumeAll } from './resumeAll.ts'
import { type CommonOptions, exitCodes, type Result, runCommand } from './runCommand.ts'
import { type RpcCommandOptions, runRpc } from './runRpc.ts'

type Until = (typeof untilWords)[number]

const exitCodeHelp = `
Exit codes
  0  as asked: accepted, included or final, and executed
  1  the command or an argument is wrong
  2  not sent: it is safe to sign again
  3  unknown: it may still land; ask for its status before you sign another one
  4  on chain, and reverted, failed or replaced
  130, 143  ended by a signal; what is known is told first

Progress goes to stderr, the result to stdout. The signed transaction is never printed.`

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const program = new Command('veilcast')
  .description('Sends a signed transaction through the Nym mixnet and brings its receipt back.')
  .version(version)
  .addHelpText('after', exitCodeHelp)
  .showHelpAfterError('(veilcast --help tells more)')

const seconds = (text: string): number => {
  const value = Number(text)
  if (!(value > 0 && value <= 86_400)) throw new InvalidArgumentError('Seconds, above 0 and at most 86400.')
  return value
}
const instant = (text: string): Date => {
  const date = new Date(/^\d+$/.test(text) ? Number(text) * 1000 : text)
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('A date as in 2027-01-31T12:00:00Z, or seconds since 1970.')
  return date
}
const portNumber = (text: string): number => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('A port, 0 to 65535.')
  return value
}
const list = (text: string, before: readonly string[] = []) => [
  ...before,
  ...text.split(/[\s,]+/).filter(Boolean),
]

function command(name: string, description: string, after = exitCodeHelp): Command {
  return program
    .command(name)
    .description(description)
    .addOption(
      new Option('-b, --broadcaster <address>', 'Nym address; again for more, asked in this order')
        .env('VEILCAST_BROADCASTER')
        .argParser(list),
    )
    .addOption(
      new Option('--transport <name>', 'how to reach the mixnet')
        .choices(transports)
        .default('nym-wasm')
        .env('VEILCAST_TRANSPORT'),
    )
    .addOption(new Option('--nym-api <url>', 'nym-wasm: nym-api').default(mainnetApi).env('VEILCAST_NYM_API'))
    .addOption(new Option('--gateway <identity>', 'nym-wasm: entry gateway').env('VEILCAST_GATEWAY'))
    .addOption(
      new Option('--cover <traffic>', 'nym-wasm: cover traffic')
        .choices(['full', 'light'])
        .env('VEILCAST_COVER'),
    )
    .addOption(
      new Option('--socket <url>', "nym-socket: nym-client's websocket (default: ws://127.0.0.1:1977)").env(
        'VEILCAST_SOCKET',
      ),
    )
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait')
        .default(120)
        .argParser(seconds)
        .env('VEILCAST_TIMEOUT'),
    )
    .option('--json', 'print the result as JSON')
    .addHelpText('after', after)
}

const journal = () =>
  new Option(
    '--journal <folder>',
    'where submissions outlive this program; who can read it can read them',
  ).env('VEILCAST_JOURNAL')
const until = (by: Until) => new Option('--until <stage>', 'how far to wait').choices(untilWords).default(by)
const show = (receipt: Receipt, json: boolean | undefined, tookMs: number): Result => ({
  text: json ? toJson(receipt) : receiptTable(receipt, tookMs),
  exitCode: receipt.ok === false ? exitCodes.onChain : exitCodes.ok,
})

interface SubmitOptions extends CommonOptions {
  readonly chain: string
  readonly tx?: string
  readonly txFile?: string
  readonly until: Until
  readonly notAfter?: Date
  readonly everyStage?: boolean
}

command('submit', 'Submit a signed transaction, and wait for what became of it.')
  .requiredOption('-c, --chain <id>', 'CAIP-2 chain id, as in eip155:1 or cosmos:cosmoshub-4')
  .option('--tx <hex>', 'the signed transaction; other users of this machine can see it: rather use a file')
  .option('--tx-file <file>', 'a file with it, in hex or base64; - for standard input')
  .addOption(until('included'))
  .addOption(
    new Option(
      '--not-after <time>',
      'nothing is broadcast after it: a date, or seconds since 1970 (default: in 10 minutes)',
    ).argParser(instant),
  )
  .option('--every-stage', 'hear each stage on the way, at the cost of a SURB each')
  .addOption(journal())
  .action((options: SubmitOptions) =>
    runCommand(
      options,
      async () => {
        const { chain, until, notAfter, everyStage } = options
        const parameters = { chain, signedTx: await readTransaction(options), until, notAfter, everyStage }
        const { chain: checked, signedTx } = parseSubmit(parameters, Date.now())
        computeTxId(checked, signedTx)
        return parameters
      },
      async ({ client, elapsedMs, ...waiting }, parameters) =>
        show(await client.submit(parameters, waiting), options.json, elapsedMs()),
    ),
  )

command('resume', 'Ask what became of the submissions in a journal, and follow them to their end.')
  .addOption(journal().makeOptionMandatory())
  .action((options: CommonOptions) =>
    runCommand(
      options,
      () => undefined,
      (command) => resumeAll(command, options),
    ),
  )

interface StatusOptions extends CommonOptions {
  readonly chain?: string
  readonly txId?: string
  readonly until: Until
  readonly everyStage?: boolean
}

command('status', 'Ask what became of an earlier submit, at the broadcaster it went to.')
  .argument('<request>', 'its request id')
  .option('-c, --chain <id>', 'CAIP-2 chain id')
  .option('--tx-id <hash>', 'take an answer about this transaction only')
  .addOption(until('accepted'))
  .option('--every-stage', 'hear each stage on the way, at the cost of a SURB each')
  .action((submitId: string, options: StatusOptions) =>
    runCommand(
      options,
      () => {
        const { chain, txId, until, everyStage } = options
        const parameters = { submitId, chain, txId, until, everyStage }
        parseStatus(parameters, 1)
        return parameters
      },
      async ({ client, elapsedMs, ...waiting }, parameters) =>
        show(await client.status(parameters, waiting), options.json, elapsedMs()),
    ),
  )

command('info', 'Ask a broadcaster what it serves.').action((options: CommonOptions) =>
  runCommand(
    options,
    () => undefined,
    async ({ client, signal, timeoutMs }) => {
      const info = await client.info({}, { signal, timeoutMs })
      return { text: options.json ? toJson(info) : infoTable(info), exitCode: exitCodes.ok }
    },
  ),
)

const rpcHelp = `
Wallets
  Each chain that the broadcaster serves is at http://127.0.0.1:PORT/<chain>, by its CAIP-2 id or what follows
  the colon: /eip155:1 or /1, /cosmos:cosmoshub-4 or /cosmoshub-4. That is the RPC URL for MetaMask, Rabby and
  viem, and both RPC and REST (LCD) for Keplr, Leap and CosmJS. /t/<token>/<chain> where there is a token.
  Extensions of a browser need --allow-extensions, pages --allow-origin; Firefox' extensions a token as well.
  The page at / shows what is connected, what went through the mixnet and what it cost.

It ends by Ctrl-C, with exit code 0; 1 where an argument is wrong or the port is taken.`

command('rpc', 'Serve wallets on this machine: everything they ask goes through the mixnet.', '')
  .addOption(
    new Option('-p, --port <number>', '0 for a free one')
      .default(defaultPort)
      .argParser(portNumber)
      .env('VEILCAST_RPC_PORT'),
  )
  .option('--ipv6', 'listen on ::1 as well')
  .addOption(
    new Option('--allow-origin <origin>', 'a page that may ask, as in https://app.example; again for more')
      .argParser(list)
      .env('VEILCAST_RPC_ALLOW_ORIGIN'),
  )
  .addOption(
    new Option('--allow-extensions', "let all of the browser's extensions ask").env(
      'VEILCAST_RPC_ALLOW_EXTENSIONS',
    ),
  )
  .addOption(
    new Option('--token-file <file>', 'ask for the token in this file; made if it is not there').env(
      'VEILCAST_RPC_TOKEN_FILE',
    ),
  )
  .addOption(
    new Option('--journal <folder>', 'keep what is in flight, and follow it again after a crash').env(
      'VEILCAST_JOURNAL',
    ),
  )
  .addOption(
    new Option(
      '--max-fee <chain=amount>',
      'send nothing that pays more: eip155:1=<wei> (default 10^18), cosmos:cosmoshub-4=<amount>uatom; again for more',
    ).argParser(maxFee),
  )
  .addHelpText('after', rpcHelp)
  .action((options: RpcCommandOptions) => runRpc(options))

await program.parseAsync()

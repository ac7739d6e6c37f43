#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { buildCosmosBinary, describeCosmosBinary } from './cosmosBinary.ts'
import { ChainStartError, CosmosChainUnavailable, GoBuildError } from './errors.ts'
import { type Anvil, startAnvil } from './startAnvil.ts'
import { type CosmosChain, startCosmosChain } from './startCosmosChain.ts'

const help = `Development chains on 127.0.0.1, until Ctrl-C. The accounts and keys are public: never use them elsewhere.

Usage: veilcast-devnet [anvil] [cosmos] [options]     both, if none is named
       veilcast-devnet build-cosmos                   only build and cache the Cosmos chain's program

  --anvil-port <n>      default 8545; 0 for a free one
  --cosmos-port <n>     default 26657; 0 for a free one
  --rest-port <n>       the Cosmos chain's REST API; default 1317, with --cosmos-port a free one
  --block-time-ms <n>   anvil: default a block per transaction; Cosmos: default 500
  --home <folder>       keep the Cosmos chain here; default a temporary folder
  --json                one line of JSON when all is ready
  --help

The Cosmos chain's program is $VEILCAST_COSMOS_BINARY, or simd, gaiad or wasmd on PATH, or simd built once by Go 1.24 or
newer into ~/.cache/veilcast, or simd in Docker (Linux).
`

const chains = ['anvil', 'cosmos'] as const
type Command = { verb: 'run'; chains: Set<string> } | { verb: 'build-cosmos' }

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'anvil-port': { type: 'string' },
      'cosmos-port': { type: 'string' },
      'rest-port': { type: 'string' },
      'block-time-ms': { type: 'string' },
      home: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return void process.stdout.write(help)
  const command = readCommand(positionals)
  const anvilPort = readNumber('--anvil-port', values['anvil-port'] ?? '8545', 65_535)
  const cosmosPort = readNumber('--cosmos-port', values['cosmos-port'] ?? '26657', 65_535)
  const usualRestPort = values['cosmos-port'] === undefined ? '1317' : '0'
  const restPort = readNumber('--rest-port', values['rest-port'] ?? usualRestPort, 65_535)
  const blockTime = values['block-time-ms'] && {
    blockTimeMs: readNumber('--block-time-ms', values['block-time-ms'], 3_600_000),
  }
  const home = values.home && { home: values.home }

  const signal = untilSignal()
  const onProgress = (line: string) => void process.stderr.write(`${line}\n`)
  if (command.verb === 'build-cosmos') {
    process.stdout.write(`${await buildCosmosBinary({ onProgress, signal })}\n`)
    return
  }

  const running: { anvil?: Anvil; cosmos?: CosmosChain } = {}
  try {
    if (command.chains.has('anvil')) {
      running.anvil = await startAnvil({
        port: anvilPort,
        signal,
        ...blockTime,
      })
    }
    if (command.chains.has('cosmos')) {
      running.cosmos = await startCosmosChain({
        port: cosmosPort,
        restPort,
        signal,
        onProgress,
        ...blockTime,
        ...home,
      })
    }
    process.stdout.write(values.json ? `${asJson(running)}\n` : asText(running))
    await untilAbortedOrEnded(signal, running)
  } finally {
    await Promise.all([running.anvil?.stop(), running.cosmos?.stop()])
  }
}

function readCommand(positionals: string[]): Command {
  if (positionals.includes('build-cosmos')) {
    if (positionals.length > 1) throw new UsageError('build-cosmos stands alone')
    return { verb: 'build-cosmos' }
  }
  const unknown = positionals.find((word) => !chains.some((chain) => chain === word))
  if (unknown !== undefined) throw new UsageError(`unknown command: ${unknown}`)
  return {
    verb: 'run',
    chains: new Set(positionals.length > 0 ? positionals : chains),
  }
}

class UsageError extends Error {}

function readNumber(option: string, text: string, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number <= most) return number
  throw new UsageError(`${option} takes a whole number up to ${most}, not ${text}`)
}

/** Aborts at the first SIGINT or SIGTERM. npm and a terminal may send one twice, so a second counts a second later. */
function untilSignal(): AbortSignal {
  const controller = new AbortController()
  let firstAt = 0
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) {
        firstAt = Date.now()
        controller.abort(new DOMException(name, 'AbortError'))
      } else if (Date.now() - firstAt > 1_000) process.exit(130)
    })
  }
  return controller.signal
}

async function untilAbortedOrEnded(
  signal: AbortSignal,
  { anvil, cosmos }: { anvil?: Anvil; cosmos?: CosmosChain },
): Promise<void> {
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined))
    if (signal.aborted) resolve(undefined)
  })
  const ended = await Promise.race([
    aborted,
    ...(anvil ? [anvil.exited.then(() => 'anvil')] : []),
    ...(cosmos ? [cosmos.exited.then(() => 'the Cosmos chain')] : []),
  ])
  if (ended) throw new ChainStartError(`${ended} ended by itself`)
}

function asJson({ anvil, cosmos }: { anvil?: Anvil; cosmos?: CosmosChain }): string {
  return JSON.stringify({
    ...(anvil && {
      anvil: {
        rpcUrl: anvil.rpcUrl,
        chainId: anvil.chainId,
        accounts: anvil.accounts,
      },
    }),
    ...(cosmos && {
      cosmos: {
        rpcUrl: cosmos.rpcUrl,
        restUrl: cosmos.restUrl,
        chainId: cosmos.chainId,
        bech32Prefix: cosmos.bech32Prefix,
        denom: cosmos.denom,
        gasPrice: cosmos.gasPrice,
        accounts: cosmos.accounts,
        home: cosmos.home,
      },
    }),
  })
}

function asText({ anvil, cosmos }: { anvil?: Anvil; cosmos?: CosmosChain }): string {
  const lines: string[] = []
  if (anvil) {
    lines.push(`${anvil.chainId}  ${anvil.rpcUrl}`)
    for (const { address, privateKey } of anvil.accounts) lines.push(`  ${address}  ${privateKey}`)
  }
  if (cosmos) {
    lines.push(`${cosmos.chainId}  ${cosmos.rpcUrl}  REST ${cosmos.restUrl}  gas price ${cosmos.gasPrice}`)
    lines.push(`  ${describeCosmosBinary(cosmos.binary)}`)
    for (const { name, address, mnemonic } of cosmos.accounts)
      lines.push(`  ${name}  ${address}`, `    ${mnemonic}`)
  }
  return `${[...lines, 'Ctrl-C stops.'].join('\n')}\n`
}

function exitStatus(error: unknown): number {
  if (error instanceof DOMException && error.name === 'AbortError') return 130
  const usage =
    error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  if (usage) process.stderr.write(`veilcast-devnet: ${(error as Error).message}. See --help.\n`)
  else if (
    error instanceof ChainStartError ||
    error instanceof CosmosChainUnavailable ||
    error instanceof GoBuildError
  ) {
    process.stderr.write(`veilcast-devnet: ${error.message}\n`)
  } else process.stderr.write(`veilcast-devnet: ${error instanceof Error ? error.stack : error}\n`)
  return usage ? 2 : 1
}

main().catch((error: unknown) => {
  process.exitCode = exitStatus(error)
})

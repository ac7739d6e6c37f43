import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { GoBuildOptions } from './buildGoTool.ts'
import { callRpc } from './callRpc.ts'
import {
  type CosmosBinary,
  type CosmosBinaryOptions,
  cosmosCommand,
  obtainCosmosBinary,
} from './cosmosBinary.ts'
import {
  claimHome,
  makeTemporaryHome,
  removeAbandonedHomes,
  removeRunning,
  writeRunning,
} from './cosmosHomeOwner.ts'
import { type CosmosAccount, type CosmosHome, createCosmosHome, readCosmosHome } from './createCosmosHome.ts'
import { ChainStartError } from './errors.ts'
import { findFreePort } from './findFreePort.ts'
import type { ProcessGroup } from './spawnGroup.ts'
import { cometLogLevel, setBlockTime, startCometNode } from './startCometNode.ts'
import { untilReady } from './untilReady.ts'
import { emptyScratchFolder, withScratchFolder } from './withScratchFolder.ts'

export type CosmosChainOptions = CosmosBinaryOptions &
  GoBuildOptions & {
    /** The CAIP-2 reference, which is also the chain id that is signed. Default `veilcast-dev-1`. */
    reference?: string
    /** The pause after each block. Default 500. */
    blockTimeMs?: number
    /** In base units of the denom, per unit of gas. Default 0.025. */
    minimumGasPrice?: number
    /** Default 0: a free one. */
    port?: number
    /** Of the REST API. Default 0: a free one. */
    restPort?: number
    /** A folder that keeps the chain from one start to the next. Default: a temporary one, removed by `stop`. */
    home?: string
    /** Each line that the node writes: errors, and what its RPC server says. */
    onLine?: (line: string) => void
  }

export type CosmosChain = {
  /** `http://127.0.0.1:<port>`: CometBFT's JSON-RPC; its websocket is at `/websocket`. */
  rpcUrl: string
  /** `http://127.0.0.1:<port>`: the SDK's REST API (gRPC gateway). */
  restUrl: string
  /** CAIP-2. */
  chainId: `cosmos:${string}`
  /** The chain id that is signed: what follows `cosmos:`. */
  reference: string
  bech32Prefix: string
  denom: string
  /** As CosmJS reads it: `0.025stake`. */
  gasPrice: string
  /** alice, bob, carol and dave: 1 000 000 000 000 base units each, the same at every start. */
  accounts: CosmosAccount[]
  home: string
  binary: CosmosBinary
  /** CometBFT's JSON-RPC; rejects with the node's error. */
  rpc: <T = unknown>(method: string, params?: Record<string, unknown>, signal?: AbortSignal) => Promise<T>
  /** Ends the node and keeps its state: connections are refused and no block is made. */
  halt: () => Promise<void>
  /** Starts a halted node again, at the same port. */
  resume: () => Promise<void>
  /** Settles when the node has ended other than by `halt`. */
  exited: Promise<void>
  /** Idempotent; settles when no process is left, and no folder unless `home` was given. */
  stop: () => Promise<void>
}

const readyLimitMs = 60_000
const restPollMs = 50

/**
 * Starts a Cosmos SDK chain of one validator on 127.0.0.1, and returns when its first block is there. Its program is
 * found, or built once by Go (minutes), as {@link obtainCosmosBinary} says.
 *
 * @throws CosmosChainUnavailable if there is no program and no way to get one here
 * @throws GoBuildError if building it fails
 * @throws ChainStartError if the node ends or makes no block within 60 s, or another process runs a chain in `home`
 */
export async function startCosmosChain(options: CosmosChainOptions = {}): Promise<CosmosChain> {
  const { reference = 'veilcast-dev-1', blockTimeMs = 500, minimumGasPrice = 0.025, signal, onLine } = options
  const binary = await obtainCosmosBinary(options)
  await removeAbandonedHomes()
  const temporary = options.home === undefined ? await makeTemporaryHome() : undefined
  const home = resolve(temporary ? join(temporary, 'home') : (options.home ?? ''))
  const discard = async () => {
    if (temporary) await rm(temporary, { recursive: true, force: true })
  }

  let node: ProcessGroup | undefined
  let port = options.port ?? 0
  let restPort = options.restPort ?? 0
  let stopped = false
  let ended = (): void => {}
  const exited = new Promise<void>((resolve) => {
    ended = resolve
  })

  const start = async (contents: CosmosHome, signal?: AbortSignal) => {
    const gasPrice = `${minimumGasPrice}${contents.denom}`
    restPort ||= await findFreePort()
    const [command, args] = cosmosCommand(binary, home, nodeArguments(port, restPort, gasPrice))
    await emptyScratchFolder(home)
    const env = await withScratchFolder(home)
    const { group, ready } = startCometNode(command, args, { onLine, env })
    node = group
    await writeRunning(home, group.groupId)
    const bothReady = ready.then(async (rpcPort) => {
      await untilRestAnswers(`http://127.0.0.1:${restPort}`, group)
      return rpcPort
    })
    bothReady.catch(() => {})
    port = await untilReady('the Cosmos chain', group, bothReady, { limitMs: readyLimitMs, signal })
    group.exited.then(() => {
      if (node === group) ended()
    })
  }
  const halt = async () => {
    const halted = node
    node = undefined
    if (!halted) return
    await halted.stop()
    await removeRunning(home)
  }

  try {
    await claimHome(home)
    const contents = (await readCosmosHome(home)) ?? (await createCosmosHome(binary, home, reference, signal))
    if (contents.reference !== reference) {
      throw new ChainStartError(`the chain in ${home} is ${contents.reference}, not ${reference}`)
    }
    await setBlockTime(home, blockTimeMs)
    await start(contents, signal)
    const rpcUrl = `http://127.0.0.1:${port}`
    return {
      rpcUrl,
      restUrl: `http://127.0.0.1:${restPort}`,
      chainId: `cosmos:${reference}`,
      reference,
      bech32Prefix: contents.bech32Prefix,
      denom: contents.denom,
      gasPrice: `${minimumGasPrice}${contents.denom}`,
      accounts: contents.accounts,
      home,
      binary,
      rpc: (method, params = {}, signal) => callRpc(rpcUrl, method, params, signal),
      halt,
      resume: async () => {
        if (stopped) throw new Error('the chain was stopped')
        if (!node) await start(contents)
      },
      exited,
      stop: async () => {
        stopped = true
        await halt()
        ended()
        await discard()
      },
    }
  } catch (error) {
    await halt()
    await discard()
    throw error
  }
}

function nodeArguments(port: number, restPort: number, gasPrice: string): string[] {
  const listen = ['--rpc.laddr', `tcp://127.0.0.1:${port}`, '--rpc.pprof_laddr', '']
  const peers = ['--p2p.laddr', 'tcp://127.0.0.1:0', '--p2p.pex=false']
  const servers = ['--grpc.enable=false', '--grpc-web.enable=false']
  const rest = ['--api.enable=true', '--api.address', `tcp://127.0.0.1:${restPort}`]
  const log = ['--log_no_color', '--log_level', cometLogLevel]
  return ['start', ...listen, ...peers, ...servers, ...rest, ...log, '--minimum-gas-prices', gasPrice]
}

async function untilRestAnswers(restUrl: string, group: ProcessGroup): Promise<void> {
  let ended = false
  void group.exited.then(() => {
    ended = true
  })
  while (!ended) {
    const answer = await fetch(`${restUrl}/cosmos/base/tendermint/v1beta1/syncing`).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok) return
    await delay(restPollMs)
  }
}

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buildGoTool, findBuiltGoTool, type GoBuildOptions, type GoTool } from './buildGoTool.ts'
import { callRpc } from './callRpc.ts'
import { makeTemporaryHome, removeAbandonedHomes, writeRunning } from './cosmosHomeOwner.ts'
import { runCommand } from './runCommand.ts'
import { cometLogLevel, setBlockTime, startCometNode } from './startCometNode.ts'
import { untilReady } from './untilReady.ts'

export type CometBftVersion = '0.37' | '1.0'

export type CometBftOptions = GoBuildOptions & {
  version: CometBftVersion
  /** The pause after each block. Default 500. */
  blockTimeMs?: number
  /** Each line that the node writes: errors, and what its RPC server says. */
  onLine?: (line: string) => void
}

export type CometBft = {
  version: CometBftVersion
  /** `http://127.0.0.1:<port>`; its websocket is at `/websocket`. */
  rpcUrl: string
  /** JSON-RPC; rejects with the node's error. */
  rpc: <T = unknown>(method: string, params?: Record<string, unknown>, signal?: AbortSignal) => Promise<T>
  /** Settles when the node has ended, by `stop` or by itself. */
  exited: Promise<void>
  /** Idempotent; settles when no process and no folder is left. */
  stop: () => Promise<void>
}

const readyLimitMs = 30_000

/** The CometBFT of this version if it was built before. */
export function findCometBft(version: CometBftVersion): string | undefined {
  return findBuiltGoTool(cometbft(version))
}

/** Builds CometBFT into the cache unless it is there, and returns its path. See {@link buildGoTool} for the errors. */
export function buildCometBft(version: CometBftVersion, options: GoBuildOptions = {}): Promise<string> {
  return buildGoTool(cometbft(version), options)
}

/**
 * Starts a bare CometBFT of one validator on 127.0.0.1 with its built-in kvstore application, whose transactions are
 * `key=value`: for reading blocks of the versions that {@link startCosmosChain} (0.38) does not run.
 *
 * @throws GoBuildError if it cannot be built
 * @throws ChainStartError if the node ends or makes no block within 30 s
 */
export async function startCometBft(options: CometBftOptions): Promise<CometBft> {
  const { version, blockTimeMs = 500, signal, onLine } = options
  const path = await buildCometBft(version, options)
  await removeAbandonedHomes()
  const folder = await makeTemporaryHome()
  const home = join(folder, 'home')
  const discard = () => rm(folder, { recursive: true, force: true })
  try {
    await runCommand([path, ['init', '--home', home]], '', { signal })
    await setBlockTime(home, blockTimeMs)
    const application = ['--proxy_app', 'kvstore']
    const listen = ['--rpc.laddr', 'tcp://127.0.0.1:0', '--p2p.laddr', 'tcp://127.0.0.1:0', '--p2p.pex=false']
    const args = ['start', '--home', home, '--log_level', cometLogLevel, ...application, ...listen]
    const { group, ready } = startCometNode(path, args, { onLine })
    await writeRunning(home, group.groupId)
    const port = await untilReady(`CometBFT ${version}`, group, ready, { limitMs: readyLimitMs, signal })
    const rpcUrl = `http://127.0.0.1:${port}`
    return {
      version,
      rpcUrl,
      rpc: (method, params = {}, signal) => callRpc(rpcUrl, method, params, signal),
      exited: group.exited.then(() => undefined),
      stop: async () => {
        await group.stop()
        await discard()
      },
    }
  } catch (error) {
    await discard()
    throw error
  }
}

function cometbft(version: CometBftVersion): GoTool {
  return {
    module: `cometbft-${version}`,
    package: 'github.com/cometbft/cometbft/cmd/cometbft',
    binary: `cometbft-${version}`,
  }
}

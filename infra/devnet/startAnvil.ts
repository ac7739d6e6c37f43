import { createRequire } from 'node:module'
import { callRpc } from './callRpc.ts'
import { ChainStartError } from './errors.ts'
import { spawnGroup } from './spawnGroup.ts'
import { untilReady } from './untilReady.ts'

export type AnvilOptions = {
  /** Default 31337. */
  chainId?: number
  /** A block every so many milliseconds. Default: a block for each transaction. */
  blockTimeMs?: number
  /** Default 0: a free one. */
  port?: number
  /** `finalized` is two epochs behind the head, `safe` one. Default 1. */
  slotsInAnEpoch?: number
  signal?: AbortSignal
  /** Each line that anvil writes. */
  onLine?: (line: string) => void
}

export type AnvilAccount = {
  address: `0x${string}`
  privateKey: `0x${string}`
}

export type Anvil = {
  /** `http://127.0.0.1:<port>`; the websocket is at the same port. */
  rpcUrl: string
  /** CAIP-2. */
  chainId: `eip155:${number}`
  /** Ten, of 10 000 ether each, the same at every start. */
  accounts: AnvilAccount[]
  /** JSON-RPC; rejects with the node's error. */
  rpc: <T = unknown>(method: string, params?: unknown[], signal?: AbortSignal) => Promise<T>
  /** Mines blocks at once, by default one. */
  mine: (blocks?: number) => Promise<void>
  /** Whether each transaction is mined at once; turns blockTimeMs off. */
  setAutomine: (on: boolean) => Promise<void>
  /** Mines a block every so many milliseconds, 0 for never. */
  setBlockTime: (blockTimeMs: number) => Promise<void>
  /** Replaces the last `depth` blocks by empty ones; their transactions are gone from chain and pool. */
  reorg: (depth: number) => Promise<void>
  /** Settles when anvil has ended, by `stop` or by itself. */
  exited: Promise<void>
  /** Idempotent; settles when no process is left. */
  stop: () => Promise<void>
}

const readyLimitMs = 30_000

/**
 * Starts anvil on 127.0.0.1, from the npm package.
 *
 * @throws ChainStartError if it ends or says nothing for 30 s, as when the port is taken
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { chainId = 31337, blockTimeMs, port = 0, slotsInAnEpoch = 1, signal, onLine } = options
  signal?.throwIfAborted()
  const args = ['--host', '127.0.0.1', '--port', `${port}`, '--chain-id', `${chainId}`]
  args.push('--slots-in-an-epoch', `${slotsInAnEpoch}`)
  if (blockTimeMs !== undefined) args.push('--block-time', `${blockTimeMs / 1000}`)

  const addresses: AnvilAccount['address'][] = []
  const privateKeys: AnvilAccount['privateKey'][] = []
  let listening = (_address: string): void => {}
  const address = new Promise<string>((resolve) => {
    listening = resolve
  })
  const group = spawnGroup(anvilPath(), args, {
    onLine: (line) => {
      const listed = /^\(\d+\) (0x[0-9a-fA-F]+)/.exec(line)?.[1] as `0x${string}` | undefined
      if (listed?.length === 42) addresses.push(listed)
      if (listed?.length === 66) privateKeys.push(listed)
      const bound = /^Listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1]
      if (bound) listening(bound)
      onLine?.(line)
    },
  })
  const bound = await untilReady('anvil', group, address, {
    limitMs: readyLimitMs,
    signal,
  })
  const accounts = addresses.map((address, index) => {
    const privateKey = privateKeys[index]
    if (!privateKey) throw new ChainStartError('anvil listed an address without its key')
    return { address, privateKey }
  })

  const rpcUrl = `http://${bound}`
  const rpc: Anvil['rpc'] = (method, params = [], signal) => callRpc(rpcUrl, method, params, signal)
  return {
    rpcUrl,
    chainId: `eip155:${chainId}`,
    accounts,
    rpc,
    mine: async (blocks = 1) => void (await rpc('anvil_mine', [`0x${blocks.toString(16)}`])),
    setAutomine: async (on) => void (await rpc('evm_setAutomine', [on])),
    setBlockTime: async (blockTimeMs) => void (await rpc('evm_setIntervalMining', [blockTimeMs / 1000])),
    reorg: async (depth) => void (await rpc('anvil_reorg', [depth, []])),
    exited: group.exited.then(() => undefined),
    stop: group.stop,
  }
}

/** npm installs the binary as a package of its own for this platform, beside the one that we depend on. */
function anvilPath(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`
  try {
    const anvil = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json')
    return createRequire(anvil).resolve(`${name}/bin/anvil`)
  } catch (cause) {
    throw new ChainStartError(`${name} is not installed: run npm install without --omit=optional`, { cause })
  }
}

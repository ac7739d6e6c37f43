import type { ClientOptions, VeilcastClient } from '@veilcast/client'
import { createClient } from '@veilcast/client'
import {
  type Anvil,
  type AnvilOptions,
  type CosmosChain,
  type CosmosChainOptions,
  startAnvil,
  startCosmosChain,
} from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import type { MixnetDialer, MixnetListener } from '@veilcast/shared/mixnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { createNymWasmDialer, createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import {
  anvilSetup,
  cosmosSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  type TestBroadcaster,
} from './path.ts'

export interface WalletStackOptions {
  /** `nym`: the local Nym network and Nym's own client at both ends. `loopback`: in memory, no packets. Default `nym`. */
  readonly network?: 'nym' | 'loopback'
  /** Default: anvil with a block every second. `{}`: a block for each transaction. False: none. */
  readonly evm?: AnvilOptions | boolean
  /** Default: none. See cosmosOrSkip for a suite that needs it. */
  readonly cosmos?: CosmosChainOptions | boolean
  /** More of what the operator writes about a chain. */
  readonly evmSetup?: object
  readonly cosmosSetup?: object
  readonly client?: Partial<Omit<ClientOptions, 'mixnet' | 'broadcasters'>>
  /** Cover and pacing on, as in production. Default false: a message leaves at once, without delay at the mixes. */
  readonly isPaced?: boolean
}

/** What a wallet cost since the stack started. Packets stay 0 over loopback. */
export interface WalletCost {
  /** Messages handed to the mixnet, repetitions included. */
  readonly messagesUp: number
  /** Replies that came out of it. */
  readonly messagesDown: number
  /** Data packets, those that Nym's client repeated included; no cover. */
  readonly packetsUp: number
  readonly packetsDown: number
}

export interface WalletStack {
  readonly client: VeilcastClient
  readonly broadcaster: TestBroadcaster
  /** Its address, for a client of the test's own. */
  readonly broadcasterAddress: string
  /** Throws over loopback. */
  readonly localnet: Localnet
  /** With ten funded accounts. Throws where there is none. */
  readonly anvil: Anvil
  /** With four funded accounts. Throws where there is none. */
  readonly cosmos: CosmosChain
  /** Another dialer over the same network, counted with the client's. */
  dialer(): MixnetDialer
  /** Another started client over the same network; stopped with the stack. */
  openClient(options?: WalletStackOptions['client']): Promise<VeilcastClient>
  cost(): WalletCost
  /** What was spent from the call to its end. */
  costOf(work: () => Promise<unknown>): Promise<WalletCost>
  /** Ends everything. Idempotent. */
  stop(): Promise<void>
}

/**
 * All that a wallet needs, in this process: the local Nym network, a broadcaster, chains with funded keys, and a started client.
 *
 * @example
 * const stack = await startWalletStack({ evm: true })
 * const cost = await stack.costOf(() => stack.client.read({ chain: stack.anvil.chainId, method: 'eth_blockNumber' }))
 * expect(cost.messagesUp).toBe(1)
 * await stack.stop()
 */
export async function startWalletStack(options: WalletStackOptions = {}): Promise<WalletStack> {
  const { network = 'nym', evm = { blockTimeMs: 1000 }, cosmos = false, isPaced = false } = options
  const undo: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const folder = await makeFolder()
    undo.push(() => folder.remove())
    const [anvil, simd, ends] = await Promise.all([
      evm === false ? undefined : keep(startAnvil(evm === true ? { blockTimeMs: 1000 } : evm)),
      cosmos === false ? undefined : keep(startCosmosChain(cosmos === true ? {} : cosmos)),
      network === 'nym' ? openNym(isPaced) : openLoopback(),
    ])
    undo.push(ends.stop)
    const broadcaster = await startTestBroadcaster({
      listener: ends.listener,
      store: embeddedStore(folder.path),
      chains: [
        ...(anvil ? [anvilSetup(anvil, anvil.rpcUrl, options.evmSetup)] : []),
        ...(simd ? [{ ...cosmosSetup(simd), ...options.cosmosSetup }] : []),
      ],
    })
    undo.push(() => broadcaster.stop())

    const messages = { up: 0, down: 0 }
    const dialer = () => counted(ends.dialer(), messages)
    const openClient = async (more: WalletStackOptions['client'] = options.client) => {
      const client = createClient({ mixnet: dialer(), broadcasters: [broadcaster.address()], ...more })
      undo.push(() => client.stop())
      await client.start()
      return client
    }
    const cost = (): WalletCost => ({
      messagesUp: messages.up,
      messagesDown: messages.down,
      ...ends.packets(broadcaster.address()),
    })
    return {
      client: await openClient(),
      broadcaster,
      broadcasterAddress: broadcaster.address(),
      get localnet() {
        return present(ends.localnet, 'localnet')
      },
      get anvil() {
        return present(anvil, 'anvil')
      },
      get cosmos() {
        return present(simd, 'Cosmos chain')
      },
      dialer,
      openClient,
      cost,
      async costOf(work) {
        const before = cost()
        await work()
        const after = cost()
        return {
          messagesUp: after.messagesUp - before.messagesUp,
          messagesDown: after.messagesDown - before.messagesDown,
          packetsUp: after.packetsUp - before.packetsUp,
          packetsDown: after.packetsDown - before.packetsDown,
        }
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }

  /** Stopped with the stack, also where another part fails to start. */
  function keep<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    undo.push(() =>
      starting.then(
        (part) => part.stop(),
        () => undefined,
      ),
    )
    return starting
  }
}

interface Ends {
  readonly localnet: Localnet | undefined
  readonly listener: MixnetListener
  dialer(): MixnetDialer
  packets(broadcaster: string): { packetsUp: number; packetsDown: number }
  stop(): Promise<void>
}

async function openNym(isPaced: boolean): Promise<Ends> {
  const localnet = await startLocalnet({ seed: 5 })
  const { nymApiUrl, preferredGateway } = localnet
  const settings = isPaced
    ? { nymApiUrl, preferredGateway, coverTraffic: 'light' as const }
    : {
        nymApiUrl,
        preferredGateway,
        disableCoverTraffic: true,
        disablePacing: true,
        averagePacketDelayMs: 0,
      }
  return {
    localnet,
    listener: createNymWasmListener(settings),
    dialer: () => createNymWasmDialer(settings),
    packets(broadcaster) {
      const service = broadcaster.split('.')[0]!
      const wallets = Object.entries(localnet.counters().clients).filter(([id]) => id !== service)
      return {
        packetsUp: wallets.reduce((sum, [, one]) => sum + one.dataPacketsUp, 0),
        packetsDown: wallets.reduce((sum, [, one]) => sum + one.dataPacketsPushed, 0),
      }
    },
    stop: () => localnet.stop(),
  }
}

async function openLoopback(): Promise<Ends> {
  const loopback = createLoopback({ seed: 5 })
  return {
    localnet: undefined,
    listener: loopback.listener('broadcaster'),
    dialer: () => loopback.dialer(),
    packets: () => ({ packetsUp: 0, packetsDown: 0 }),
    stop: async () => {},
  }
}

function counted(dialer: MixnetDialer, messages: { up: number; down: number }): MixnetDialer {
  const { onRestart } = dialer
  return {
    start: (wait) => dialer.start(wait),
    stop: () => dialer.stop(),
    async send(to, payload, surbs, wait) {
      messages.up += 1
      await dialer.send(to, payload, surbs, wait)
    },
    async *replies() {
      for await (const bytes of dialer.replies()) {
        messages.down += 1
        yield bytes
      }
    },
    ...(onRestart ? { onRestart: (hear: () => void) => onRestart.call(dialer, hear) } : {}),
  }
}

function present<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`This stack has no ${name}.`)
  return part
}

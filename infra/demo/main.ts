import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createClient } from '@veilcast/client'
import {
  type Anvil,
  type CosmosChain,
  CosmosChainUnavailable,
  startAnvil,
  startCosmosChain,
} from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { createNymWasmDialer } from '@veilcast/shared/mixnet/nym-wasm'
import { createLifecycle, type Lifecycle } from './lifecycle.ts'
import { printResults } from './printResults.ts'
import { printWhatNext } from './printWhatNext.ts'
import { say } from './say.ts'
import { type Sent, sendPrivately } from './sendPrivately.ts'
import { signCosmosSend, signEvmTransfer } from './signTransactions.ts'
import { type RunningBroadcaster, startBroadcaster } from './startBroadcaster.ts'

const help = `npm run demo [-- --keep]

Starts a local Nym network, an EVM and a Cosmos chain and a broadcaster on this machine, sends a signed transaction to each
chain through the mixnet, and shows the receipts as they come back.

  --keep    leave everything running until Ctrl-C, and say what to try next
  --help    this text`

/** What everything runs on. */
export interface Stack {
  readonly localnet: Localnet
  readonly anvil: Anvil
  readonly cosmos: CosmosChain | undefined
  readonly broadcaster: RunningBroadcaster
}

async function startStack(life: Lifecycle): Promise<Stack> {
  const { signal } = life
  const localnet = await startLocalnet()
  life.onStop('local Nym network', () => localnet.stop())
  say('local Nym network: nym-api, gateway and three mix nodes')

  const [anvil, cosmos] = await Promise.all([openAnvil(life), openCosmos(life)])

  const folder = await mkdtemp(join(tmpdir(), 'veilcast-demo-'))
  // The embedded Postgres runs as another user where we are root.
  await chmod(folder, 0o755)
  life.onStop('demo folder', () => rm(folder, { recursive: true, force: true }))
  say('broadcaster: starting, on embedded Postgres')
  const broadcaster = await startBroadcaster(folder, broadcasterConfig(localnet, anvil, cosmos), signal)
  life.onStop('broadcaster', () => broadcaster.stop())
  say('broadcaster: ready, a round trip through the mixnet completed')
  return { localnet, anvil, cosmos, broadcaster }
}

async function openAnvil(life: Lifecycle): Promise<Anvil> {
  const anvil = await startAnvil({ blockTimeMs: 1000, signal: life.signal })
  life.onStop('anvil', () => anvil.stop())
  say(`EVM chain: anvil, ${anvil.chainId}, a block a second`)
  return anvil
}

async function openCosmos(life: Lifecycle): Promise<CosmosChain | undefined> {
  try {
    const chain = await startCosmosChain({
      signal: life.signal,
      onProgress: (line) => say(`Cosmos chain: ${line}`),
    })
    life.onStop('Cosmos chain', () => chain.stop())
    say(`Cosmos chain: ${chain.chainId}, two blocks a second`)
    return chain
  } catch (error) {
    if (!(error instanceof CosmosChainUnavailable)) throw error
    say(`Cosmos chain: left out. ${error.message}`)
    return undefined
  }
}

function broadcasterConfig(localnet: Localnet, anvil: Anvil, cosmos: CosmosChain | undefined): object {
  return {
    dataDir: 'data',
    mixnet: {
      transport: 'nym-wasm',
      nymApiUrl: localnet.nymApiUrl,
      preferredGateway: localnet.preferredGateway,
    },
    store: { kind: 'embedded' },
    http: { port: 0 },
    chains: [
      {
        chain: anvil.chainId,
        endpoints: [{ id: 'anvil', url: anvil.rpcUrl }],
        finality: { rule: 'finalized' },
        pollIntervalMs: 250,
      },
      ...(cosmos
        ? [
            {
              chain: cosmos.chainId,
              bech32Prefix: cosmos.bech32Prefix,
              endpoints: [{ id: 'simd', url: cosmos.rpcUrl }],
              pollIntervalMs: 250,
            },
          ]
        : []),
    ],
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  const life = createLifecycle()
  try {
    const stack = await startStack(life)
    const { localnet, anvil, cosmos, broadcaster } = stack

    const mixnet = createNymWasmDialer({
      nymApiUrl: localnet.nymApiUrl,
      preferredGateway: localnet.preferredGateway,
      // All of it shares this machine, where the network's hops alone would take half a core for two full streams.
      coverTraffic: 'light',
    })
    const client = createClient({ mixnet, broadcasters: [broadcaster.address] })
    life.onStop('client', () => client.stop())
    await client.start({ signal: life.signal })
    say('client: connected to the mixnet, light cover traffic on\n')

    const sent: Sent[] = [
      await sendPrivately(
        stack,
        client,
        'EVM transfer',
        anvil.chainId,
        await signEvmTransfer(anvil),
        life.signal,
      ),
    ]
    if (cosmos) {
      const signed = await signCosmosSend(cosmos)
      sent.push(await sendPrivately(stack, client, 'Cosmos MsgSend', cosmos.chainId, signed, life.signal))
    }
    printResults(sent)
    if (values.keep) {
      printWhatNext(stack)
      await life.interrupted
    }
    return 0
  } catch (error) {
    if (life.signal.aborted) return 130
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    await life.stopAll()
  }
}

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}\n`)
    return 1
  }),
)

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Anvil,
  type CosmosChain,
  CosmosChainUnavailable,
  startAnvil,
  startCosmosChain,
} from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import type { Lifecycle } from './lifecycle.ts'
import { say } from './say.ts'
import { type RunningBroadcaster, startBroadcaster } from './startBroadcaster.ts'

/** What everything runs on. */
export interface Stack {
  readonly localnet: Localnet
  readonly anvil: Anvil
  readonly cosmos: CosmosChain | undefined
  readonly broadcaster: RunningBroadcaster
}

/** Local Nym network, both chains, and the broadcaster in a process of its own. */
export async function startStack(life: Lifecycle): Promise<Stack> {
  const { signal } = life
  const localnet = await startLocalnet()
  life.onStop('local Nym network', () => localnet.stop())
  say('local Nym network: nym-api, gateway and three mix nodes')

  // Both are waited for even where one fails, so that whatever did start is stopped.
  const [anvilStart, cosmosStart] = await Promise.allSettled([openAnvil(life), openCosmos(life)])
  if (anvilStart.status === 'rejected') throw anvilStart.reason
  if (cosmosStart.status === 'rejected') throw cosmosStart.reason
  const [anvil, cosmos] = [anvilStart.value, cosmosStart.value]

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
              endpoints: [{ id: 'simd', url: cosmos.rpcUrl, restUrl: cosmos.restUrl }],
              pollIntervalMs: 250,
            },
          ]
        : []),
    ],
  }
}

import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Broadcaster,
  type BroadcasterParts,
  type ChainAdapter,
  chainFamilies,
  createBroadcaster,
  createLogger,
  createVault,
  type Logger,
  openStore,
  type Role,
  type Store,
} from '@veilcast/broadcaster'
import { createClient, type VeilcastClient } from '@veilcast/client'
import type { Anvil, CosmosChain } from '@veilcast/devnet'
import type { MixnetAddress, MixnetDialer, MixnetListener } from '@veilcast/shared/mixnet'

/** Chain configuration as an operator writes it. */
export type ChainSetup = { readonly chain: string } & Readonly<Record<string, unknown>>

/** @param url another way to the same chain, through a proxy that counts or breaks */
export function anvilSetup(anvil: Anvil, url = anvil.rpcUrl, more: object = {}): ChainSetup {
  return {
    chain: anvil.chainId,
    endpoints: [{ id: 'anvil', url }],
    finality: { rule: 'finalized' },
    pollIntervalMs: 100,
    probeIntervalMs: 200,
    ...more,
  }
}

export function cosmosSetup(chain: CosmosChain, url = chain.rpcUrl): ChainSetup {
  return {
    chain: chain.chainId,
    bech32Prefix: chain.bech32Prefix,
    endpoints: [{ id: 'simd', url, restUrl: chain.restUrl }],
    pollIntervalMs: 100,
    probeIntervalMs: 200,
  }
}

export interface TestBroadcaster extends Broadcaster {
  readonly store: Store
  /** That of its first Nym client. */
  address(): MixnetAddress
}

/** One for each suite: a store is of one key file. */
const ownSecret = randomBytes(32)

/** The broadcaster as it is, in this process, over any transport and store. Stops the store with it. */
export async function startTestBroadcaster(options: {
  readonly listener: MixnetListener | readonly MixnetListener[]
  readonly role?: Role
  readonly store: Store
  readonly chains: readonly ChainSetup[]
  readonly secret?: Uint8Array
  readonly reconcileEveryMs?: number
  /** Default 60 000. */
  readonly rebroadcastAfterMs?: number
  readonly limits?: Partial<BroadcasterParts['limits']>
  /** Stands in for an adapter, to break it. */
  readonly wrap?: (adapter: ChainAdapter) => ChainAdapter
  readonly logger?: Logger
  readonly copyWindowMs?: number
  readonly http?: Partial<BroadcasterParts['http']>
}): Promise<TestBroadcaster> {
  const broadcaster = createBroadcaster({
    role: options.role ?? 'all',
    listeners: [options.listener].flat(),
    store: options.store,
    chains: options.chains.map((setup) => {
      const family = chainFamilies[setup.chain.split(':')[0]!]!
      const config = family.config.parse(setup) as { pollIntervalMs: number }
      const adapter = family.create(config)
      return { adapter: options.wrap?.(adapter) ?? adapter, pollIntervalMs: config.pollIntervalMs }
    }),
    vault: createVault(options.secret ?? ownSecret),
    limits: {
      maxWaitingPerChain: 4096,
      maxWaitingPerAccount: 32,
      maxUnsentPerChain: 100_000,
      maxLaneWaitMs: 600_000,
      ...options.limits,
    },
    retentionSeconds: 3600,
    rebroadcastAfterMs: options.rebroadcastAfterMs ?? 60_000,
    copyWindowMs: options.copyWindowMs,
    reconcileEveryMs: options.reconcileEveryMs,
    http: { host: '127.0.0.1', port: 0, ...options.http },
    logger: options.logger ?? createLogger(process.env.VEILCAST_TEST_LOG === '1' ? 'debug' : 'silent'),
  })
  await broadcaster.start()
  return { ...broadcaster, store: options.store, address: () => broadcaster.addresses()[0]! }
}

/** A folder that the embedded Postgres can reach, also where it runs as another user than we do. */
export async function makeFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'veilcast-test-'))
  await chmod(path, 0o755)
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

export function embeddedStore(folder: string): Store {
  return openStore({ kind: 'embedded', dataDir: join(folder, 'postgres') })
}

export async function startTestClient(
  mixnet: MixnetDialer,
  broadcasters: readonly string[],
): Promise<VeilcastClient> {
  const client = createClient({ mixnet, broadcasters })
  await client.start()
  return client
}

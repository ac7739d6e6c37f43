import { join } from 'node:path'
import { createSwappable } from './chains/createSwappable.ts'
import { checkRole } from './config/checkRole.ts'
import type { BroadcasterConfig } from './config/config.ts'
import { keyFileOf, openKeyFile, readFormerKey } from './config/keyFile.ts'
import { makeDataFolder } from './config/makeDataFolder.ts'
import { openListeners } from './config/openListener.ts'
import { type Broadcaster, createBroadcaster } from './createBroadcaster.ts'
import { doctorKey } from './dashboard/doctorToken.ts'
import { createLogger, type Logger } from './observability/logger.ts'
import { openTrace } from './observability/openTrace.ts'
import type { Trace } from './observability/Trace.ts'
import type { Role } from './Role.ts'
import { type Reloaded, reload } from './reload.ts'
import { openStore, type StoreConfig } from './store/openStore.ts'
import { createVault } from './store/vault.ts'
import { version } from './version.ts'

export interface Environment {
  readonly REDIS_URL?: string | undefined
  readonly DATABASE_URL?: string | undefined
}

const formerLookMs = 3_600_000

export interface OpenedBroadcaster extends Broadcaster {
  /** One after the other. @throws ConfigError where nothing of it was taken over */
  reload(config: BroadcasterConfig): Promise<Reloaded>
}

/** A broadcaster from its configuration: opens files, and connects to nothing before `start`. @throws ConfigError */
export async function openBroadcaster(
  config: BroadcasterConfig,
  options: {
    readonly environment?: Environment
    readonly logger?: Logger
  } = {},
): Promise<OpenedBroadcaster> {
  const { role } = config
  const storeConfig = storeOf(config, options.environment ?? {})
  checkRole(role, storeConfig.kind)
  await makeDataFolder(config.dataDir)
  const keyFile = keyFileOf(config)
  const secret = await openKeyFile(keyFile)
  const former = await readFormerKey(keyFile)
  // Whoever runs for long deletes it in time too.
  if (former) setInterval(() => void readFormerKey(keyFile).catch(() => {}), formerLookMs).unref()
  const logger = options.logger ?? createLogger(config.logLevel)
  const chains = config.chains.map(({ create, pollIntervalMs }) => ({
    swappable: createSwappable(create()),
    pollIntervalMs,
  }))
  const broadcaster = createBroadcaster({
    role,
    listeners: role === 'worker' ? [] : await openListeners(config.mixnets, config.dataDir),
    store: openStore(storeConfig),
    chains: chains.map(({ swappable: { adapter }, pollIntervalMs }) => ({ adapter, pollIntervalMs })),
    vault: createVault(secret, former?.key),
    limits: config.limits,
    retentionSeconds: config.retentionSeconds,
    rebroadcastAfterMs: config.rebroadcastAfterMs,
    drainLimitMs: config.drainLimitMs,
    http: config.http,
    trace: config.telemetry && (await traceOf(config.telemetry, role)),
    doctorKey: doctorKey(secret),
    logger,
  })

  let running = config
  let reloading: Promise<unknown> = Promise.resolve()
  const adapters = new Map(chains.map(({ swappable }) => [swappable.adapter.chain as string, swappable]))
  return {
    ...broadcaster,
    reload(next) {
      const reloaded = reloading.then(async () => {
        const { running: now, ...said } = await reload(running, next, {
          adapters,
          change: broadcaster.change,
          setLogLevel(level) {
            logger.level = level
          },
        })
        running = now
        return said
      })
      reloading = reloaded.catch(() => {})
      return reloaded
    },
  }
}

/** @throws ConfigError where the packages that it needs are not there */
function traceOf(
  { otlpUrl, otlpHeaders }: NonNullable<BroadcasterConfig['telemetry']>,
  role: Role,
): Promise<Trace> {
  return openTrace({ url: otlpUrl, headers: otlpHeaders, version, role })
}

/** The configured store, else the one that the environment names, else the embedded one. Never one found by chance. */
export function storeOf(config: BroadcasterConfig, environment: Environment): StoreConfig {
  const { store } = config
  if (store?.kind === 'redis' || store?.kind === 'postgres') return store
  const dataDir = store?.dataDir ?? join(config.dataDir, 'postgres')
  if (store?.kind === 'embedded') return { kind: 'embedded', dataDir }
  if (environment.REDIS_URL) return { kind: 'redis', url: environment.REDIS_URL }
  if (environment.DATABASE_URL) return { kind: 'postgres', url: environment.DATABASE_URL }
  return { kind: 'embedded', dataDir }
}

import type { Swappable } from './chains/createSwappable.ts'
import { type BroadcasterConfig, ConfigError } from './config/config.ts'
import { lookAtEndpoints } from './config/lookAtEndpoints.ts'
import type { LiveSettings } from './createBroadcaster.ts'

/** Keys by their path. */
export interface Reloaded {
  readonly changed: readonly string[]
  /** What is another in the file, and stays as it was until the next start. */
  readonly needsRestart: readonly string[]
}

type Chain = BroadcasterConfig['chains'][number]

const liveKeys = [
  'limits',
  'retentionSeconds',
  'rebroadcastAfterMs',
  'drainLimitMs',
  'logLevel',
] as const satisfies readonly (keyof BroadcasterConfig)[]

/**
 * Takes over from a configuration what can change while a broadcaster runs: its endpoints, limits, times and log level. Requests and
 * transactions under way go on. All of it or nothing.
 *
 * @param running the configuration that runs
 * @returns what became of it, and the configuration that runs from now on
 * @throws ConfigError where an endpoint is another than the file says
 */
export async function reload(
  running: BroadcasterConfig,
  next: BroadcasterConfig,
  parts: {
    /** By chain. */
    readonly adapters: ReadonlyMap<string, Swappable>
    readonly change: (settings: LiveSettings) => void
    readonly setLogLevel: (level: BroadcasterConfig['logLevel']) => void
  },
): Promise<Reloaded & { readonly running: BroadcasterConfig }> {
  const changed = liveKeys.filter((key) => !isSame(running[key], next[key]))
  const others = (Object.keys(next) as (keyof BroadcasterConfig)[]).filter(
    (key) => key !== 'chains' && !(liveKeys as readonly string[]).includes(key),
  )
  const chains = compareChains(running.chains, next.chains)
  const needsRestart = [...others.filter((key) => !isSame(running[key], next[key])), ...chains.needsRestart]

  const wrong = (await lookAtEndpoints(chains.swaps)).filter(({ state }) => state === 'wrong')
  if (wrong.length > 0) {
    const lines = wrong.map(({ chain, endpoint, found }) => `${chain} ${endpoint}: ${found}`)
    throw new ConfigError(`These endpoints are not what the configuration says: ${lines.join('; ')}`)
  }
  await Promise.all(chains.swaps.map((chain) => parts.adapters.get(chain.chain)?.swap(chain.create())))
  parts.change(next)
  parts.setLogLevel(next.logLevel)
  return {
    changed: [...changed, ...chains.swaps.map(({ chain }) => `chains ${chain} endpoints`)],
    needsRestart,
    running: {
      ...running,
      limits: next.limits,
      retentionSeconds: next.retentionSeconds,
      rebroadcastAfterMs: next.rebroadcastAfterMs,
      drainLimitMs: next.drainLimitMs,
      logLevel: next.logLevel,
      chains: running.chains.map((chain) => chains.swaps.find((swap) => swap.chain === chain.chain) ?? chain),
    },
  }
}

/** A chain of which more is another than its endpoints stays as it is. */
function compareChains(
  running: readonly Chain[],
  next: readonly Chain[],
): { readonly swaps: readonly Chain[]; readonly needsRestart: readonly string[] } {
  const swaps: Chain[] = []
  const needsRestart: string[] = []
  for (const chain of next) {
    const before = running.find((one) => one.chain === chain.chain)
    if (!before) {
      needsRestart.push(`chains ${chain.chain}`)
      continue
    }
    const keys = [...new Set([...Object.keys(before.settings), ...Object.keys(chain.settings)])]
    const settingOf = (settings: object, key: string): unknown => (settings as Record<string, unknown>)[key]
    const different = keys.filter(
      (key) => !isSame(settingOf(before.settings, key), settingOf(chain.settings, key)),
    )
    if (different.length === 0) continue
    if (different.join() === 'endpoints') swaps.push(chain)
    else needsRestart.push(...different.map((key) => `chains ${chain.chain} ${key}`))
  }
  for (const { chain } of running) {
    if (!next.some((one) => one.chain === chain)) needsRestart.push(`chains ${chain}`)
  }
  return { swaps, needsRestart }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

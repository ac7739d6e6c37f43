import type { ChainId } from '@veilcast/shared/protocol'
import type { Queue } from 'bullmq'
import type { Store } from '../store/Store.ts'
import type { SeenProcess } from './Fleet.ts'
import type { ChainStatus, EndpointStatus, FleetStatus, QueueStatus, StatusLimits } from './FleetStatus.ts'
import { isHeard } from './findTroubles.ts'
import type { ChainReport, DisputeReport, ProcessReport } from './ProcessReport.ts'
import { mergeSamples } from './Sample.ts'

const recentMs = 10 * 60_000
/** However many ask, the store is asked once in so long. */
const freshMs = 1_000
/** What takes the store longer to say, and changes slowly. */
const slowMs = 30_000
/** A store that does not answer within it is away. */
const answerMs = 5_000

/** Reads what the fleet is like now; at most once a second, however many ask. Never throws: a store that is away is part of it. */
export function createFleetStatus(parts: {
  readonly store: Store
  readonly chains: readonly ChainId[]
  readonly queues: readonly Queue[]
  readonly limits: StatusLimits
  /** What this process says of itself. */
  readonly ownReport: () => Promise<ProcessReport>
}): () => Promise<FleetStatus> {
  const { store, limits } = parts
  let last: { readonly atMs: number; readonly status: Promise<FleetStatus> } | undefined
  const rare = remembered(slowMs)
  const recent = remembered(10_000)

  async function read(): Promise<FleetStatus> {
    const atMs = Date.now()
    const known = await within(answerMs, readStore).catch(() => undefined)
    const own = async (): Promise<SeenProcess> => ({
      report: await parts.ownReport(),
      heardMsAgo: 0,
      clockAheadMs: 0,
    })
    const processes = known?.processes.length ? known.processes : [await own()]
    return {
      atMs,
      store: {
        kind: store.kind,
        answers: known !== undefined,
        durability: store.records.durability,
      },
      processes,
      chains: chainsOf(processes, known?.chains ?? new Map(), atMs),
      queues: known?.queues ?? [],
      recent: known?.recent ?? null,
      limits,
    }
  }

  async function readStore() {
    const [processes, chains, queues, samples] = await Promise.all([
      store.fleet.processes(),
      Promise.all(parts.chains.map(async (chain) => [chain, await ofStore(chain)] as const)),
      Promise.all(parts.queues.map(queueOf)),
      recent('samples', () => store.fleet.samples('hour', Date.now() - recentMs)),
    ])
    return {
      processes,
      chains: new Map<string, OfStore>(chains),
      queues,
      recent: mergeSamples(samples),
    }
  }

  async function ofStore(chain: ChainId): Promise<OfStore> {
    const [waiting, live, cursor, unsent] = await Promise.all([
      store.records.countWaiting(chain),
      store.records.countLive(chain),
      store.records.cursor(chain),
      rare(`unsent ${chain}`, () => store.records.countUnsent(chain, limits.maxUnsentPerChain)),
    ])
    const tip = cursor?.trail.at(-1)
    return {
      waiting,
      live,
      unsent,
      matched: cursor && tip ? { height: Number(tip.height), atMs: cursor.savedAtMs } : null,
    }
  }

  return () => {
    const nowMs = Date.now()
    if (!last || nowMs - last.atMs > freshMs) last = { atMs: nowMs, status: read() }
    return last.status
  }
}

type OfStore = Pick<ChainStatus, 'waiting' | 'live' | 'unsent' | 'matched'>

async function queueOf(queue: Queue): Promise<QueueStatus> {
  const [counts, paused] = await Promise.all([
    queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed'),
    queue.isPaused(),
  ])
  return {
    queue: queue.name,
    waiting: (counts.waiting ?? 0) + (counts.prioritized ?? 0),
    active: counts.active ?? 0,
    delayed: counts.delayed ?? 0,
    failed: counts.failed ?? 0,
    paused,
  }
}

/** The chains of all processes that are heard, as the worst of them sees each endpoint. */
function chainsOf(
  processes: readonly SeenProcess[],
  stored: ReadonlyMap<string, OfStore>,
  nowMs: number,
): ChainStatus[] {
  const seen = new Map<string, ChainReport[]>([...stored.keys()].map((chain) => [chain, []]))
  for (const one of processes) {
    // Whose first look at its endpoints is not over says nothing of them.
    if (!isHeard(one) || one.report.state === 'starting') continue
    for (const chain of one.report.chains) seen.set(chain.chain, [...(seen.get(chain.chain) ?? []), chain])
  }
  return [...seen].map(([chain, reports]) => {
    const height = Math.max(0, ...reports.map((report) => report.height))
    const reached = reports
      .filter((report) => report.height === height)
      .map(({ heightSinceMs }) => heightSinceMs)
    return {
      chain,
      ...(stored.get(chain) ?? { waiting: 0, live: 0, unsent: 0, matched: null }),
      height,
      heightSinceMs: reached.length > 0 ? Math.min(...reached) : nowMs,
      operators: Math.max(0, ...reports.map(({ operators }) => operators)),
      disputes: disputesOf(reports),
      endpoints: endpointsOf(reports),
    }
  })
}

/** By height, as the one that saw it first. */
function disputesOf(reports: readonly ChainReport[]): DisputeReport[] {
  const byHeight = new Map<number, DisputeReport>()
  for (const one of reports.flatMap(({ disputes }) => disputes)) {
    const known = byHeight.get(one.height)
    if (!known || one.sinceMs < known.sinceMs) byHeight.set(one.height, one)
  }
  return [...byHeight.values()].sort((a, b) => a.height - b.height)
}

function endpointsOf(reports: readonly ChainReport[]): EndpointStatus[] {
  const byId = new Map<string, EndpointStatus>()
  for (const { endpoints } of reports) {
    for (const endpoint of endpoints) {
      const known = byId.get(endpoint.id)
      const liveIn = (known?.liveIn ?? 0) + (endpoint.live ? 1 : 0)
      const askedBy = (known?.askedBy ?? 0) + 1
      const worse = known && !known.live ? known : endpoint
      byId.set(endpoint.id, {
        ...worse,
        height: Math.max(endpoint.height, known?.height ?? 0),
        latencyMs: slower(endpoint.latencyMs, known?.latencyMs ?? null),
        score: Math.min(endpoint.score, known?.score ?? 1),
        requests: endpoint.requests + (known?.requests ?? 0),
        failures: endpoint.failures + (known?.failures ?? 0),
        liveIn,
        askedBy,
      })
    }
  }
  return [...byId.values()]
}

function slower(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}

function remembered(forMs: number): <T>(key: string, read: () => Promise<T>) => Promise<T> {
  const known = new Map<string, { readonly untilMs: number; readonly value: unknown }>()
  return async <T>(key: string, read: () => Promise<T>): Promise<T> => {
    const hit = known.get(key)
    if (hit && Date.now() < hit.untilMs) return hit.value as T
    const value = await read()
    known.set(key, { untilMs: Date.now() + forMs, value })
    return value
  }
}

async function within<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      work(),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

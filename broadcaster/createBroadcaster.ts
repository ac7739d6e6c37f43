import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { MixnetAddress, MixnetListener } from '@veilcast/shared/mixnet'
import { type ChainId, protocolVersion } from '@veilcast/shared/protocol'
import type { ChainAdapter } from './chains/ChainAdapter.ts'
import { type Dashboard, type HttpSettings, openDashboard } from './dashboard/openDashboard.ts'
import { readiness } from './dashboard/readiness.ts'
import { createFleetStatus } from './fleet/createFleetStatus.ts'
import { keepReporting, type Reporting } from './fleet/keepReporting.ts'
import type { ProcessReport } from './fleet/ProcessReport.ts'
import { createWriteReport, type ProcessIdentity } from './fleet/writeReport.ts'
import { type AdmitLimits, createAdmit } from './ingress/admit.ts'
import { createAnswerStatus } from './ingress/answerStatus.ts'
import { createAskers } from './ingress/askers.ts'
import { createCarryOver } from './ingress/carryOver.ts'
import { copyWindowMs } from './ingress/copies.ts'
import { createIngress, type Ingress } from './ingress/listen.ts'
import { createReplier } from './ingress/replier.ts'
import { createTellAskers } from './ingress/tellAskers.ts'
import { watchNews } from './ingress/watchNews.ts'
import { addStatusMetrics } from './observability/addStatusMetrics.ts'
import { createDisputes } from './observability/disputes.ts'
import type { Logger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import type { Trace } from './observability/Trace.ts'
import type { Role } from './Role.ts'
import { confirmQueue, createConfirmStage } from './stages/confirm.ts'
import { createEndReplaced } from './stages/endReplaced.ts'
import { createIncarnation, type Incarnation } from './stages/incarnation.ts'
import { createLookAgain } from './stages/lookAgain.ts'
import { createReconcileStage, reconcileQueue } from './stages/reconcile.ts'
import { createSettle } from './stages/settle.ts'
import { createSubmitStage } from './stages/submit.ts'
import { createSubmitJobs, type SubmitJobs, submitQueue } from './stages/submitJobs.ts'
import { meetKey } from './store/meetKey.ts'
import type { Store } from './store/Store.ts'
import type { StoreError } from './store/TxStore.ts'
import type { Vault } from './store/vault.ts'
import { version } from './version.ts'

export interface BroadcasterParts {
  /** What the fleet's page calls this process. Default: the machine's name and the dashboard's port. */
  readonly name?: string | undefined
  /** Default `all`. */
  readonly role?: Role
  /** The Nym clients, each with an address of its own. A worker has none; any other has one at least. */
  readonly listeners: readonly MixnetListener[]
  readonly store: Store
  readonly chains: readonly { readonly adapter: ChainAdapter; readonly pollIntervalMs: number }[]
  readonly vault: Vault
  readonly limits: AdmitLimits & {
    /** How long a transaction waits for a predecessor that may never come. Default 10 minutes. */
    readonly maxLaneWaitMs?: number
  }
  readonly retentionSeconds: number
  readonly rebroadcastAfterMs: number
  /** Default 2000: what comes again so soon was copied under way. Less only where wallets are told to repeat sooner. */
  readonly copyWindowMs?: number | undefined
  /** How often the record is looked through. Default 30 000. */
  readonly reconcileEveryMs?: number | undefined
  /** How long `stop` may take. Default 10 000. */
  readonly drainLimitMs?: number | undefined
  /** Where spans go. Default: nowhere. It is stopped with the broadcaster. */
  readonly trace?: Trace | undefined
  readonly http: HttpSettings
  /** Of `doctor` (dashboard/doctorToken.ts). Default: it is let in on this machine alone. */
  readonly doctorKey?: Uint8Array | undefined
  readonly logger: Logger
}

/** What may change while it runs. */
export type LiveSettings = Pick<
  BroadcasterParts,
  'limits' | 'retentionSeconds' | 'rebroadcastAfterMs' | 'drainLimitMs'
>

export interface StartOptions {
  readonly signal?: AbortSignal
  readonly onStep?: (step: string) => void
  /** Called at most once, where the store was lost for good: whoever runs the broadcaster stops it. Default: nothing. */
  readonly onFailure?: (error: StoreError) => void
}

export interface Broadcaster {
  /**
   * Ready when it resolves: the store answers, every Nym client has completed a round trip, and requests are taken; of a
   * worker, the store answers and jobs are taken.
   */
  start(options?: StartOptions): Promise<void>
  /**
   * Takes nothing more, finishes what is under way or hands it back, tells whoever waits what is known, and ends within `drainLimitMs`;
   * what is left is in the record. A submit that comes meanwhile hears nothing, and is repeated by its wallet. Idempotent.
   */
  stop(): Promise<void>
  /** For what comes and goes on from now on. */
  change(settings: LiveSettings): void
  /** Where wallets send to: one for each Nym client, none of a worker. */
  addresses(): readonly MixnetAddress[]
  /** The dashboard's own URL. */
  httpUrl(): string
}

/** What the stages and the door have in common. */
interface Shared {
  readonly incarnation: Incarnation
  readonly submitJobs: SubmitJobs
}

export const defaultDrainLimitMs = 10_000
/** A part that had no time left is given so much all the same. */
const minPartMs = 250
const defaultLaneWaitMs = 10 * 60_000

/** The parts list. Starts from the back of the data's path to its front, and stops from the front to the back. */
export function createBroadcaster(parts: BroadcasterParts): Broadcaster {
  const { role = 'all', listeners, store, vault, trace, logger } = parts
  if ((role === 'worker') !== (listeners.length === 0)) {
    throw new RangeError('A worker has no Nym client, and whoever takes requests has one at least.')
  }
  const { records, queues } = store
  const adapters = parts.chains.map(({ adapter }) => adapter)
  const chains: ReadonlyMap<ChainId, ChainAdapter> = new Map(
    adapters.map((adapter) => [adapter.chain, adapter]),
  )
  const live = {
    limits: { ...parts.limits },
    retentionSeconds: parts.retentionSeconds,
    rebroadcastAfterMs: parts.rebroadcastAfterMs,
    drainLimitMs: parts.drainLimitMs ?? defaultDrainLimitMs,
  }
  const metrics = createMetrics()
  const disputes = createDisputes(logger)
  const settle = createSettle({
    records,
    vault,
    get retentionSeconds() {
      return live.retentionSeconds
    },
    metrics,
    trace,
    chains,
  })
  const askers = createAskers()
  /** What stops what was started, last started first. */
  const running: (() => Promise<unknown>)[] = []
  /** What stops the workers: before the Nym clients, which tell what they did last. */
  const working: (() => Promise<unknown>)[] = []
  let ingress: Ingress | undefined
  /** Tells whoever waits what is known by now, and sees it out. */
  let tellLast: (signal: AbortSignal) => Promise<void> = async () => {}
  let dashboard: Dashboard | undefined
  let reporting: Reporting | undefined
  let state: ProcessReport['state'] = 'starting'
  const identity: ProcessIdentity = {
    id: randomUUID(),
    name: parts.name ?? `${hostname()}:${parts.http.port || process.pid}`,
    role,
    version,
    startedAtMs: Date.now(),
  }

  async function start({ signal, onStep, onFailure }: StartOptions = {}): Promise<void> {
    const step = (text: string) => {
      signal?.throwIfAborted()
      logger.info(text)
      onStep?.(text)
    }
    const waiting = signal ? { signal } : {}

    state = 'starting'
    logger.info({ version, protocolVersion, role }, 'starting')
    step(`opening the ${store.kind} store`)
    running.push(() => trace?.stop() ?? Promise.resolve())
    running.push(() => store.stop())
    await store.start({ ...waiting, ...(onFailure ? { onFailure } : {}) })
    await meetKey(store, vault)

    const allQueues = [submitQueue, reconcileQueue, ...adapters.map(({ chain }) => confirmQueue(chain))].map(
      (name) => queues.queue(name),
    )
    const { id } = identity
    const writeReport = createWriteReport({
      identity,
      listeners,
      adapters,
      metrics,
      disputes,
      workersRun: () => queues.working(),
      askers,
      state: () => state,
    })
    const status = createFleetStatus({
      store,
      chains: adapters.map(({ chain }) => chain),
      queues: allQueues,
      limits: live.limits,
      ownReport: writeReport,
    })
    addStatusMetrics(metrics, {
      identity,
      state: () => state,
      listeners,
      adapters,
      askers,
      workersRun: () => queues.working(),
      status,
    })
    dashboard = await openDashboard({
      ...parts.http,
      metrics,
      queues: allQueues,
      readiness: () => readiness({ store, listeners, adapters, draining: state === 'draining' }),
      status,
      fleet: store.fleet,
      doctorKey: parts.doctorKey,
      logger,
    })
    running.push(() => dashboard?.close() ?? Promise.resolve())
    reporting = keepReporting({ id, store, writeReport, status, logger })
    running.push(() => reporting?.stop() ?? Promise.resolve())
    void reporting.report()

    step(`watching ${adapters.map(({ chain }) => chain).join(', ')}`)
    const probed = adapters.map((adapter) => {
      running.push(() => adapter.stop())
      return adapter.start()
    })
    const incarnation = createIncarnation({
      records,
      settle,
      chains: [...chains.keys()],
      everyMs: parts.reconcileEveryMs,
      onChange: () => askers.forgetTold(),
      logger,
    })
    running.push(() => incarnation.stop())
    await incarnation.start()
    const shared = { incarnation, submitJobs: createSubmitJobs(queues) }
    const followed = role === 'ingress' ? probed : await startStages(probed, shared)

    if (role !== 'worker') {
      step('connecting to the mixnet')
      running.push(() => Promise.all(listeners.map((listener) => listener.stop())))
      await Promise.all(listeners.map((listener) => listener.start(waiting)))
    }
    // What waited at the gateway comes at once: no chain shall seem dead to it because nobody has asked the chain yet, and
    // none shall be followed from a block behind the first transaction's.
    await Promise.all(followed)
    if (role !== 'worker') await openDoor(shared)
    state = 'ready'
    void reporting.report()
    step('ready')
  }

  /** Those of a worker. Resolves with what each chain's first look at its head resolves. */
  async function startStages(
    probed: readonly Promise<void>[],
    { incarnation, submitJobs }: Shared,
  ): Promise<readonly Promise<void>[]> {
    const endReplaced = createEndReplaced({ settle, vault })
    const followed = parts.chains.map(({ adapter, pollIntervalMs }, index) => {
      const confirm = createConfirmStage({
        adapter,
        records,
        queues,
        submitJobs,
        vault,
        settle,
        endReplaced,
        pollIntervalMs,
        metrics,
        disputes,
        logger,
      })
      working.push(() => confirm.stop())
      return confirm.start(probed[index])
    })
    const submit = createSubmitStage({
      chains,
      records,
      queues,
      vault,
      settle,
      get maxLaneWaitMs() {
        return live.limits.maxLaneWaitMs ?? defaultLaneWaitMs
      },
      metrics,
      trace,
      logger,
    })
    working.push(async () => {
      // What is cancelled is handed back, and has to reach the store yet.
      const late = setTimeout(() => submit.cancelAllJobs('stopping'), live.drainLimitMs / 2)
      await submit.close().finally(() => clearTimeout(late))
    })
    const reconcile = createReconcileStage({
      chains,
      records,
      queues,
      submitJobs,
      vault,
      settle,
      endReplaced,
      get rebroadcastAfterMs() {
        return live.rebroadcastAfterMs
      },
      everyMs: parts.reconcileEveryMs,
      metrics,
      incarnation,
      logger,
    })
    working.push(() => reconcile.stop())
    await reconcile.start()
    void submit.run().catch((error: unknown) => logger.error({ err: error }, 'the submit worker stopped'))
    return followed
  }

  /** Those of an ingress. */
  async function openDoor({ incarnation, submitJobs }: Shared): Promise<void> {
    const replier = createReplier({ incarnation: incarnation.now, metrics, logger })
    const tell = createTellAskers({ askers, records, vault, replier })
    const news = await watchNews({ askers, records, tell, logger })
    running.push(() => news.stop())
    tellLast = async (signal) => {
      await news.tellAll(signal)
      await replier.drain(signal)
    }
    ingress = createIngress({
      listeners,
      chains,
      records,
      askers,
      replier,
      admit: createAdmit({
        chains,
        records,
        vault,
        askers,
        tell,
        submitJobs,
        limits: live.limits,
        carryOver: createCarryOver({ records, upkeep: store.upkeep, vault }),
        logger,
      }),
      answerStatus: createAnswerStatus({
        records,
        vault,
        askers,
        tell,
        lookAgain: createLookAgain({ chains, vault, settle, logger }),
      }),
      get retentionSeconds() {
        return live.retentionSeconds
      },
      copyWindowMs: parts.copyWindowMs ?? copyWindowMs,
      metrics,
      trace,
      logger,
    })
    ingress.start()
  }

  let stopping: Promise<void> | undefined
  function stop(): Promise<void> {
    stopping ??= stopAll().finally(() => {
      stopping = undefined
    })
    return stopping
  }

  async function stopAll(): Promise<void> {
    if (running.length === 0) return
    state = 'draining'
    void reporting?.report()
    const startMs = Date.now()
    const left = (): number => Math.max(minPartMs, startMs + live.drainLimitMs - Date.now())
    const end = (part: () => Promise<unknown>): Promise<void> =>
      within(part, left()).catch((error: unknown) =>
        logger.warn({ err: error }, 'a part did not stop in order'),
      )
    const door = ingress
    ingress = undefined
    if (door) await end(() => door.stop())
    await Promise.all(working.splice(0).reverse().map(end))
    await end(() => tellLast(AbortSignal.timeout(left())))
    tellLast = async () => {}
    for (let part = running.pop(); part; part = running.pop()) await end(part)
    logger.info({ tookMs: Date.now() - startMs }, 'stopped')
  }

  return {
    async start(options) {
      try {
        await start(options)
      } catch (error) {
        await stop()
        throw error
      }
    },
    stop,
    change({ limits, retentionSeconds, rebroadcastAfterMs, drainLimitMs = defaultDrainLimitMs }) {
      // The door has the object itself.
      Object.assign(live.limits, limits)
      Object.assign(live, { retentionSeconds, rebroadcastAfterMs, drainLimitMs })
    },
    addresses: () => listeners.map((listener) => listener.address()),
    httpUrl() {
      if (!dashboard) throw new Error('The broadcaster is not started.')
      return dashboard.url
    },
  }
}

async function within(end: () => Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not stopped within ${limitMs} ms`)), limitMs)
  })
  try {
    await Promise.race([end(), late])
  } finally {
    clearTimeout(timer)
  }
}

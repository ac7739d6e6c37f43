import { errorNameOf, type WireError, wireError } from '@veilcast/shared/errors'
import { type ChainId, toTxId } from '@veilcast/shared/protocol'
import type { Worker } from 'bullmq'
import { type ChainAdapter, ChainUnavailable, type Head } from '../chains/ChainAdapter.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { QueueBackend } from '../store/QueueBackend.ts'
import { openDetail } from '../store/stateOf.ts'
import type { TxRecord, TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import { type EndReplaced, inspectRecord } from './endReplaced.ts'
import { endpointsIn } from './exposedTo.ts'
import { forEachLive } from './forEachLive.ts'
import type { Incarnation } from './incarnation.ts'
import { rebroadcastDue } from './rebroadcastDue.ts'
import type { Settle } from './settle.ts'
import type { SubmitJobs } from './submitJobs.ts'
import { tellOfFailures } from './tellOfFailures.ts'
import { timeJobs } from './timeJobs.ts'

export const reconcileQueue = 'reconcile'
const defaultEveryMs = 30_000
const scheduleName = 'reconcile'
const sweepPageSize = 4096
/** Long enough to see on the board what just happened. */
const keepEventsMs = 10 * 60_000
/** How long after its notAfter a transaction is kept whose number another has used, until that is final. */
const maxFinalityWaitMs = 60 * 60_000

interface Clock {
  /** Milliseconds since 1970; 0 while blocks are behind. */
  readonly matchedMs: number
  readonly finalHeight: bigint
}

export interface ReconcileStage {
  /** Resolves after the first run. The store's life was met before. */
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Makes jobs from the record where they are missing, ends what ran out of time, sends again what was handed over and not
 * seen since, and deletes what was kept long enough. Runs at start and every 30 s, in one process at a time.
 *
 * Apart from that each process looks by itself whether the schedule is still there, which goes with the jobs when somebody
 * empties the queue.
 */
export function createReconcileStage(parts: {
  readonly chains: ReadonlyMap<ChainId, ChainAdapter>
  readonly records: TxStore
  readonly queues: QueueBackend
  readonly submitJobs: SubmitJobs
  readonly vault: Vault
  readonly settle: Settle
  readonly endReplaced: EndReplaced
  /** Handed over and unseen for this long: handed over again, then after pauses that double. */
  readonly rebroadcastAfterMs: number
  /** Default 30 000. */
  readonly everyMs?: number | undefined
  readonly incarnation: Incarnation
  readonly metrics: Metrics
  readonly logger: Logger
}): ReconcileStage {
  const { chains, records, queues, submitJobs, vault, settle, endReplaced } = parts
  const { incarnation, logger } = parts
  const { everyMs = defaultEveryMs } = parts
  const stopping = new AbortController()
  const waiting = { signal: stopping.signal }
  const many = { ...waiting, logger }
  /** By chain, of the run before. */
  const lastHeads = new Map<ChainId, Head>()
  /** 0 before the first: what became due while no process was there is due then. */
  let lastRunMs = 0
  const queue = queues.queue(reconcileQueue)
  let looking: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const worker: Worker = queues.worker(reconcileQueue, () => run(), { concurrency: 1 })
  tellOfFailures(worker, parts)
  timeJobs(worker, parts.metrics)

  async function run(): Promise<void> {
    const startMs = Date.now()
    try {
      await incarnation.meet()
      for (const adapter of chains.values()) {
        if (stopping.signal.aborted) return
        await reconcileChain(adapter)
      }
      await sweep()
      await queues.forgetEvents(Date.now() - keepEventsMs)
      lastRunMs = startMs
    } catch (error) {
      if (!stopping.signal.aborted) logger.warn({ err: error }, 'reconcile will run again')
    }
  }

  async function sweep(): Promise<void> {
    while (!stopping.signal.aborted) {
      if ((await records.sweep(Date.now(), sweepPageSize)) < sweepPageSize) return
    }
  }

  async function reconcileChain(adapter: ChainAdapter): Promise<void> {
    const clock = await chainClock(adapter)
    await forEachLive(records, adapter.chain, (record) => reconcileRecord(adapter, record, clock), many)
  }

  async function reconcileRecord(
    adapter: ChainAdapter,
    record: TxRecord,
    clock: Clock | undefined,
  ): Promise<void> {
    const nowMs = Date.now()
    if (record.state === 'held') {
      // Our own clock decides what we send, so that what was not sent by now never will be.
      if (record.notAfterMs <= nowMs) await settle.lapsed(record, lapsedError(record))
      else await submitJobs.add(record)
      return
    }
    if (record.state !== 'exposed' || record.blockHeight !== null) return
    if (record.notAfterMs <= nowMs) {
      if (clock && clock.matchedMs > record.notAfterMs) await endExposed(adapter, record, clock)
      return
    }
    const isSuspect = endReplaced.isOpen(record.key) || isNumberUsed(record)
    if (clock && isSuspect && (await isReplaced(adapter, record, clock))) return
    if (rebroadcastDue(nowMs - record.changedAtMs, parts.rebroadcastAfterMs, nowMs - lastRunMs)) {
      await submitJobs.add(record, { again: true })
    }
  }

  /** Nobody sends it any more; it may be in a block that was never matched, or another in its place. */
  async function endExposed(adapter: ChainAdapter, record: TxRecord, clock: Clock): Promise<void> {
    try {
      const txId = toTxId(vault.open(record.txId, record.key, 'txId'))
      const found = await adapter.find(txId, { ...waiting, handedTo: endpointsIn(record.exposedTo) })
      if (found) await settle.included(record, found.inclusion, found.block)
      else if (await isReplaced(adapter, record, clock)) return
      else if (Date.now() < record.notAfterMs + maxFinalityWaitMs && (await isOvertaken(adapter, record)))
        return
      else await settle.lapsed(record, lapsedError(record))
    } catch (error) {
      if (!(error instanceof ChainUnavailable)) throw error
    }
  }

  /** Where two operators cannot be asked, or do not agree, it is not. */
  async function isReplaced(adapter: ChainAdapter, record: TxRecord, clock: Clock): Promise<boolean> {
    try {
      return await endReplaced.end(adapter, record, clock.finalHeight, waiting)
    } catch (error) {
      if (error instanceof ChainUnavailable) return false
      throw error
    }
  }

  /** Another has its number, but is not final yet: that is worth waiting for. */
  async function isOvertaken(adapter: ChainAdapter, record: TxRecord): Promise<boolean> {
    const tx = inspectRecord(adapter, record, vault)
    try {
      return tx !== undefined && (await adapter.slotUse(tx, 'latest', waiting)) === 'used'
    } catch (error) {
      if (error instanceof ChainUnavailable) return false
      throw error
    }
  }

  /** An endpoint said that its number is used, and nobody has seen by whom. */
  function isNumberUsed(record: TxRecord): boolean {
    const detail = openDetail(record, vault)
    if (detail?.stage !== 'submitted' || detail.rejection === undefined) return false
    return errorNameOf(detail.rejection.number) === 'nonceUsed'
  }

  /** The chain's time up to which its blocks were matched: what is in none of them by then can be called late. */
  async function chainClock(adapter: ChainAdapter): Promise<Clock | undefined> {
    const { chain } = adapter
    try {
      const head = await adapter.head(waiting)
      const tipHeight = (await records.cursor(chain))?.trail.at(-1)?.height ?? -1n
      const last = lastHeads.get(chain)
      lastHeads.set(chain, head)
      const matched = [head, last].find((one) => one && one.height <= tipHeight)
      return { matchedMs: matched?.timeMs ?? 0, finalHeight: head.finalHeight }
    } catch (error) {
      if (error instanceof ChainUnavailable) return undefined
      throw error
    }
  }

  async function schedule(): Promise<void> {
    await queue.upsertJobScheduler(
      scheduleName,
      { every: everyMs },
      { name: 'reconcile', opts: { removeOnComplete: true, removeOnFail: true } },
    )
  }

  async function lookAround(): Promise<void> {
    try {
      const jobs = await queue.getJobCountByTypes('delayed', 'waiting', 'active')
      if (jobs === 0 || (await queue.getJobScheduler(scheduleName)) === undefined) {
        await schedule()
        // Who empties a queue does not wait for its next time.
        await run()
      }
    } catch (error) {
      if (!stopping.signal.aborted) logger.warn({ err: error }, 'the store cannot be looked at at the moment')
    }
  }

  function lookLater(): void {
    timer = setTimeout(() => {
      looking = lookAround().then(() => {
        if (!stopping.signal.aborted) lookLater()
      })
    }, everyMs)
  }

  return {
    async start() {
      await schedule()
      void worker
        .run()
        .catch((error: unknown) => logger.error({ err: error }, 'the reconcile worker stopped'))
      await run()
      if (!stopping.signal.aborted) lookLater()
    },
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await looking
      await worker.close()
    },
  }
}

function lapsedError(record: TxRecord): WireError {
  return wireError('lapsed', { notAfter: Math.floor(record.notAfterMs / 1000) })
}

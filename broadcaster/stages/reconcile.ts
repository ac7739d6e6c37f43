import { type WireError, wireError } from '@veilcast/shared/errors'
import { type ChainId, toTxId } from '@veilcast/shared/protocol'
import type { Worker } from 'bullmq'
import { type ChainAdapter, ChainUnavailable } from '../chains/ChainAdapter.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { QueueBackend } from '../store/QueueBackend.ts'
import type { TxRecord, TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import { meetIncarnation } from './meetIncarnation.ts'
import type { Settle } from './settle.ts'
import type { SubmitJobs } from './submitJobs.ts'
import { tellOfFailures } from './tellOfFailures.ts'

export const reconcileQueue = 'reconcile'
export const reconcileEveryMs = 30_000
const pageSize = 256
const sweepPerRun = 4096

export interface ReconcileStage {
  /** Resolves after the first run. To be awaited before anything is handed over: it meets a store of another life. */
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Makes jobs from the record where they are missing, ends what ran out of time, sends again what was handed over and not
 * seen since, and deletes what was kept long enough. Runs at start and every 30 s, in one process at a time.
 */
export function createReconcileStage(parts: {
  readonly chains: ReadonlyMap<ChainId, ChainAdapter>
  readonly records: TxStore
  readonly queues: QueueBackend
  readonly submitJobs: SubmitJobs
  readonly vault: Vault
  readonly settle: Settle
  /** Handed over and unseen for this long: handed over again. */
  readonly rebroadcastAfterMs: number
  /** Called at the start and before each run, with the life of the store that it is in. */
  readonly onIncarnation: (incarnation: Uint8Array) => void
  readonly metrics: Metrics
  readonly logger: Logger
}): ReconcileStage {
  const { chains, records, queues, submitJobs, vault, settle, rebroadcastAfterMs, onIncarnation, logger } =
    parts
  const stopping = new AbortController()
  const worker: Worker = queues.worker(reconcileQueue, () => run(), { concurrency: 1 })
  tellOfFailures(worker, parts)

  async function run(): Promise<void> {
    try {
      await meet()
      for (const adapter of chains.values()) {
        if (stopping.signal.aborted) return
        await reconcileChain(adapter)
      }
      await records.sweep(Date.now(), sweepPerRun)
    } catch (error) {
      if (!stopping.signal.aborted) logger.warn({ err: error }, 'reconcile will run again')
    }
  }

  async function meet(): Promise<void> {
    onIncarnation(await meetIncarnation({ records, settle, chains: [...chains.keys()] }))
  }

  async function reconcileChain(adapter: ChainAdapter): Promise<void> {
    const chainNowMs = await chainClock(adapter)
    let after: TxRecord['key'] | undefined
    for (;;) {
      const page = await records.listLive(
        adapter.chain,
        after === undefined ? { limit: pageSize } : { after, limit: pageSize },
      )
      for (const record of page) await reconcileRecord(adapter, record, chainNowMs)
      after = page.at(-1)?.key
      if (page.length < pageSize) return
    }
  }

  async function reconcileRecord(
    adapter: ChainAdapter,
    record: TxRecord,
    chainNowMs: number | undefined,
  ): Promise<void> {
    const nowMs = Date.now()
    const lapsed = wireError('lapsed', { notAfter: Math.floor(record.notAfterMs / 1000) })
    if (record.state === 'held') {
      // Our own clock decides what we send, so that what was not sent by now never will be.
      if (record.notAfterMs <= nowMs) await settle.lapsed(record, lapsed)
      else await submitJobs.add(record)
      return
    }
    if (record.state !== 'exposed' || record.blockHeight !== null) return
    if (record.notAfterMs <= nowMs) {
      if (chainNowMs !== undefined && chainNowMs > record.notAfterMs)
        await endExposed(adapter, record, lapsed)
      return
    }
    if (record.changedAtMs + rebroadcastAfterMs <= nowMs) await submitJobs.add(record, { again: true })
  }

  /** Nobody sends it any more; it may be in a block that was never matched. */
  async function endExposed(adapter: ChainAdapter, record: TxRecord, lapsed: WireError): Promise<void> {
    try {
      const txId = toTxId(vault.open(record.txId, record.key, 'txId'))
      const found = await adapter.find(txId, { signal: stopping.signal })
      if (found) await settle.included(record, found.inclusion, found.block)
      else await settle.lapsed(record, lapsed)
    } catch (error) {
      if (!(error instanceof ChainUnavailable)) throw error
    }
  }

  async function chainClock(adapter: ChainAdapter): Promise<number | undefined> {
    try {
      return (await adapter.head({ signal: stopping.signal })).timeMs
    } catch (error) {
      if (error instanceof ChainUnavailable) return undefined
      throw error
    }
  }

  return {
    async start() {
      // Not in the first run, which goes on where something fails: nothing may be handed over before this was done.
      await meet()
      await queues
        .queue(reconcileQueue)
        .upsertJobScheduler(
          'reconcile',
          { every: reconcileEveryMs },
          { name: 'reconcile', opts: { removeOnComplete: true, removeOnFail: true } },
        )
      void worker
        .run()
        .catch((error: unknown) => logger.error({ err: error }, 'the reconcile worker stopped'))
      await run()
    },
    async stop() {
      stopping.abort()
      await worker.close()
    },
  }
}

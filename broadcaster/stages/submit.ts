import { wireError } from '@veilcast/shared/errors'
import type { ChainId } from '@veilcast/shared/protocol'
import { DelayedError, type Job, type Worker } from 'bullmq'
import { type ChainAdapter, ChainUnavailable, type InspectedTx } from '../chains/ChainAdapter.ts'
import { type Logger, shortId } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { QueueBackend } from '../store/QueueBackend.ts'
import type { TxKey, TxRecord, TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import type { Settle } from './settle.ts'
import { maxDelayMs, type SubmitJob, submitQueue } from './submitJobs.ts'
import { tellOfFailures } from './tellOfFailures.ts'
import { withLease } from './withLease.ts'

const concurrency = 32
const maxLaneRunMs = 30_000
/** Transactions of one account that one run looks back over, and hands over. */
const maxLaneRun = 64
/** How long a transaction waits for a predecessor that may never come. */
export const maxLaneWaitMs = 10 * 60_000
const maxEndpointsPerRun = 3
/** How long a transaction whose number is used is looked for before another is said to have used it. */
const lookAgainMs = 5_000

/** `done`: nothing is left to do here. `again`: come back later. `soon`: another run has the lane. */
type Result = 'done' | 'again' | 'againAfterHanding' | 'soon'

/**
 * Hands each held transaction to an endpoint, one sender's in order: our own checks first, then `exposed` made durable,
 * then the bytes. Runs any number of times for one record without sending it twice, unless a crash or a silent endpoint
 * left it open whether it was sent.
 */
export function createSubmitStage(parts: {
  readonly chains: ReadonlyMap<ChainId, ChainAdapter>
  readonly records: TxStore
  readonly queues: QueueBackend
  readonly vault: Vault
  readonly settle: Settle
  readonly metrics: Metrics
  readonly logger: Logger
}): Worker {
  const { chains, records, queues, vault, settle, metrics, logger } = parts

  const worker = queues.worker(submitQueue, (job, token, signal) => run(job, token, signal), { concurrency })
  tellOfFailures(worker, parts)
  return worker

  async function run(job: Job<SubmitJob>, token?: string, signal?: AbortSignal): Promise<void> {
    /** Keys of records that this run wrote as exposed: what failed after it may have been handed over or not. */
    const exposed = new Set<TxKey>()
    let result: Result
    try {
      result = await handOver(job, exposed, signal)
    } catch (error) {
      // Nothing foreign reaches BullMQ, which would store and show it; the next run starts from the record.
      logger.warn({ err: error, tx: shortId(job.data.key), chain: job.data.chain }, 'submit will run again')
      result = exposed.has(job.data.key) ? 'againAfterHanding' : 'again'
    }
    if (result === 'done') return
    const { delayMs } = job.data
    try {
      await job.updateData({
        ...job.data,
        again: job.data.again || result === 'againAfterHanding',
        delayMs: result === 'soon' ? delayMs : Math.min(delayMs * 2, maxDelayMs),
      })
      await job.moveToDelayed(Date.now() + delayMs, token)
    } catch {
      // Reconcile makes the job anew.
      throw new Error('The job could not be delayed.')
    }
    throw new DelayedError()
  }

  async function handOver(job: Job<SubmitJob>, exposed: Set<TxKey>, signal?: AbortSignal): Promise<Result> {
    const { key, chain } = job.data
    const adapter = chains.get(chain)
    const record = await records.get(key)
    if (!adapter || record === null || record.bytes === null) return 'done'
    // A stalled job may have handed it over or not: the chain takes it once, however often it is sent.
    const mayRepeat = job.data.again || job.stalledCounter > 0
    if (record.state !== 'held' && !(record.state === 'exposed' && mayRepeat)) return 'done'
    if (record.laneMac === null) return inOrder(adapter, record, exposed, signal)

    const lane = `lane-${record.chain}-${record.laneMac}`
    const drained = await withLease(records, lane, signal, (held) =>
      drainLane(adapter, record, exposed, held),
    )
    return drained ?? 'soon'
  }

  /**
   * Hands over all that is held of one account, lowest number first, whoever's job this is: a job that was a moment too
   * early for its turn need not be woken.
   */
  async function drainLane(
    adapter: ChainAdapter,
    own: TxRecord,
    exposed: Set<TxKey>,
    signal: AbortSignal,
  ): Promise<Result> {
    const startMs = Date.now()
    let turn: readonly TxRecord[] = [own]
    for (let steps = 0; steps < maxLaneRun; steps++) {
      const before = (await neighbours(turn[0] ?? own, -1n)).filter(isHeld)
      if (before.length === 0) break
      turn = before
    }
    let ownResult: Result = 'again'
    for (let steps = 0; steps < maxLaneRun && turn.length > 0; steps++) {
      if (Date.now() - startMs > maxLaneRunMs || signal.aborted) break
      for (const record of turn) {
        const result = await inOrder(adapter, record, exposed, signal)
        if (record.key === own.key) ownResult = result
        if (result !== 'done') return ownResult
      }
      turn = (await neighbours(turn[0] ?? own, 1n)).filter(isHeld)
    }
    return ownResult
  }

  async function inOrder(
    adapter: ChainAdapter,
    record: TxRecord,
    exposed: Set<TxKey>,
    signal?: AbortSignal,
  ): Promise<Result> {
    if (record.bytes === null || record.blockHeight !== null) return 'done'
    if (isLate(record)) return outOfTime(record)
    const tx = adapter.inspect(vault.open(record.bytes, record.key, 'bytes'))
    const before = await neighbours(record, -1n)
    if (before.some(isHeld)) return waitOn(record)
    const waiting = signal ? { signal } : {}

    if (record.state === 'held') {
      const preflight = await adapter.preflight(tx, waiting)
      switch (preflight.kind) {
        case 'unavailable':
          return 'again'
        case 'refused':
          await settle.refused(record, preflight.error)
          return 'done'
        case 'used':
          return used(adapter, record, tx, preflight.expected, signal)
        case 'early':
          // The chain counts what is in blocks: a predecessor on its way is not counted yet.
          if (!before.some(isUnderWay)) return waitOn(record, preflight.expected)
          break
        case 'ready':
          break
      }
    } else if (await foundOnChain(adapter, record, tx, signal)) {
      // It was handed over before, and is in a block that was never matched.
      return 'done'
    }
    return expose(adapter, record, tx, before.find(isUnderWay)?.exposedTo ?? undefined, exposed, signal)
  }

  async function expose(
    adapter: ChainAdapter,
    record: TxRecord,
    tx: InspectedTx,
    sticky: string | undefined,
    exposed: Set<TxKey>,
    signal?: AbortSignal,
  ): Promise<Result> {
    // An endpoint that had it before and did not bring it into a block has its turn when no other is left.
    const avoid = new Set<string>(record.exposedTo === null || sticky ? [] : [record.exposedTo])
    let current = record
    for (let attempt = 0; attempt < maxEndpointsPerRun; attempt++) {
      const endpoint =
        adapter.pickEndpoint({ sticky, avoid }) ?? (attempt === 0 ? adapter.pickEndpoint() : undefined)
      if (endpoint === undefined) break
      avoid.add(endpoint)
      if (isLate(current)) return outOfTime(current)
      if (current.state === 'held' || current.exposedTo !== endpoint) {
        const written = await settle.exposed(current, endpoint)
        if (written === null) return 'again'
        current = written
        exposed.add(current.key)
      }
      signal?.throwIfAborted()
      const startedAt = performance.now()
      const handed = await adapter.submit(endpoint, tx, signal ? { signal } : {})
      metrics.handedOver.inc({ chain: record.chain, result: handed.kind })
      logger.info(
        {
          tx: shortId(record.key),
          chain: record.chain,
          stage: 'submit',
          tookMs: Math.round(performance.now() - startedAt),
          endpoint,
          result: handed.kind,
        },
        'handed over',
      )
      switch (handed.kind) {
        case 'taken':
          return 'done'
        case 'early':
          return 'againAfterHanding'
        case 'used':
          return used(adapter, current, tx, handed.expected, signal)
        case 'rejected':
          await settle.rejected(current, handed.error)
          return 'done'
        case 'unavailable':
          break
      }
    }
    return current.state === 'held' ? 'again' : 'againAfterHanding'
  }

  /** Its number is used on chain: by this very transaction, which is success, or by another. */
  async function used(
    adapter: ChainAdapter,
    record: TxRecord,
    tx: InspectedTx,
    expected: bigint | undefined,
    signal?: AbortSignal,
  ): Promise<Result> {
    try {
      if (await foundOnChain(adapter, record, tx, signal)) return 'done'
    } catch (error) {
      if (error instanceof ChainUnavailable) return 'again'
      throw error
    }
    // The endpoint that does not have it may be behind the one that counts its number as used: ask again, others too.
    if (Date.now() < record.changedAtMs + lookAgainMs) return 'again'
    const numbers = { expected: expected ?? 0n, got: tx.sequence ?? 0n }
    if (record.exposedTo === null) await settle.refused(record, wireError('nonceUsed', numbers))
    else await settle.rejected(record, wireError('nonceUsed', numbers, { outcome: 'unknown' }))
    return 'done'
  }

  async function foundOnChain(
    adapter: ChainAdapter,
    record: TxRecord,
    tx: InspectedTx,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const found = await adapter.find(tx.txId, signal ? { signal } : {})
    if (found) await settle.included(record, found.inclusion, found.block)
    return found !== null
  }

  /** Its predecessor is not here yet. At the end of the wait the lane moves on. */
  async function waitOn(record: TxRecord, expected?: bigint): Promise<Result> {
    if (record.exposedTo !== null) return 'againAfterHanding'
    if (Date.now() < record.changedAtMs + maxLaneWaitMs) return 'again'
    const got = sequenceOf(record) ?? 0n
    await settle.lapsed(record, wireError('sequenceGap', { expected: expected ?? got - 1n, got }))
    return 'done'
  }

  async function outOfTime(record: TxRecord): Promise<Result> {
    if (record.exposedTo === null) {
      await settle.lapsed(
        record,
        wireError('lapsed', { notAfter: Math.floor(record.notAfterMs / 1000) }, { outcome: 'notSent' }),
      )
    }
    return 'done'
  }

  async function neighbours(record: TxRecord, step: bigint): Promise<readonly TxRecord[]> {
    const sequence = sequenceOf(record)
    if (record.laneMac === null || sequence === undefined || sequence + step < 0n) return []
    return records.bySlot(record.chain, {
      laneMac: record.laneMac,
      sequence: vault.hideSequence(record.laneMac, sequence + step),
    })
  }

  /** The nonce or sequence itself. */
  function sequenceOf(record: TxRecord): bigint | undefined {
    if (record.laneMac === null || record.sequence === null) return undefined
    return vault.showSequence(record.laneMac, record.sequence)
  }
}

function isLate(record: TxRecord): boolean {
  return record.notAfterMs <= Date.now()
}

function isHeld(record: TxRecord): boolean {
  return record.state === 'held'
}

function isUnderWay(record: TxRecord): boolean {
  return record.state === 'exposed' || record.state === 'included'
}

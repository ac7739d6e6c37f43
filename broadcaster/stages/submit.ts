import { setTimeout as delay } from 'node:timers/promises'
import { type WireError, wireError } from '@veilcast/shared/errors'
import type { ChainId } from '@veilcast/shared/protocol'
import { DelayedError, type Job, type Worker } from 'bullmq'
import { type ChainAdapter, ChainUnavailable, type Handed, type InspectedTx } from '../chains/ChainAdapter.ts'
import { type Logger, shortId } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Trace } from '../observability/Trace.ts'
import type { QueueBackend } from '../store/QueueBackend.ts'
import { openDetail } from '../store/stateOf.ts'
import { type Mac, StoreError, type TxKey, type TxRecord, type TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import { endpointsIn, nameEndpoints } from './exposedTo.ts'
import { createHandedHere } from './handedHere.ts'
import type { Settle } from './settle.ts'
import { isSubmitJob, type SubmitJob, submitQueue } from './submitJobs.ts'
import { tellOfFailures } from './tellOfFailures.ts'
import { timeJobs } from './timeJobs.ts'
import { withLease } from './withLease.ts'

/** So many accounts' endpoints may be slow before another account waits for them; more, where fewer jobs wait here. */
const lanesAtOnce = 128
/** Jobs beside them whose lane another run of this process has: most are handed over by it in a moment. */
const maxWaitingHere = 128
const maxWaitHereMs = 1_000
/** The first wait of a job; each further one is twice as long. */
const firstDelayMs = 200
const maxDelayMs = 5_000
/** Of a job whose lane is another run's: that one may have been killed. */
const maxBusyDelayMs = 1_000
const maxLaneRunMs = 30_000
/** Transactions of one account that one look sees. */
const maxLaneLook = 64
const maxLooksPerRun = 8
const maxEndpointsPerRun = 3
/** How long a transaction whose number is used is looked for before another is said to have used it. */
const lookAgainMs = 5_000
/** What a process was handing over when it was killed was made durable shortly before. */
const stalledLookBackMs = 60_000

/** `done`: nothing is left to do here. `again`: come back. `wait`: come back, and nothing behind it goes before. */
type Result = 'done' | 'again' | 'wait'

/** When a job comes back: after its own growing delay, or soon, as its lane is busy; no later than `byMs` (since 1970). */
type Next = 'done' | { readonly busy: boolean; readonly byMs?: number | undefined }

/** The record whose job this is. */
interface Own {
  readonly key: TxKey
  readonly chain: ChainId
  readonly lane: Mac
  readonly isOpen: boolean
}

/** A run of this process that has a lane, and whether another job came for it meanwhile. */
interface Turn {
  wanted: boolean
  readonly ended: Promise<void>
}

/** One account's records in this run, as they are by now. */
type Lane = Map<TxKey, TxRecord>

/**
 * Hands each held transaction to an endpoint, or to several where the chain is set up so, one sender's in order: our own checks first, then `exposed` made durable,
 * then the bytes. Runs any number of times for one record without sending it twice, unless a crash or a silent endpoint
 * left it open whether it was sent.
 */
export function createSubmitStage(parts: {
  readonly chains: ReadonlyMap<ChainId, ChainAdapter>
  readonly records: TxStore
  readonly queues: QueueBackend
  readonly vault: Vault
  readonly settle: Settle
  /** How long a transaction waits for a predecessor that may never come. */
  readonly maxLaneWaitMs: number
  readonly metrics: Metrics
  readonly trace?: Trace | undefined
  readonly logger: Logger
}): Worker {
  const { chains, records, queues, vault, settle, metrics, trace, logger } = parts
  const handedHere = createHandedHere()
  /** By lane, or by record where it has none. */
  const running = new Map<string, Turn>()
  let waitingHere = 0

  const worker = queues.worker(submitQueue, (job, token, signal) => run(job, token, signal), {
    concurrency: lanesAtOnce + maxWaitingHere,
  })
  tellOfFailures(worker, parts)
  timeJobs(worker, parts.metrics)
  return worker

  async function run(job: Job<SubmitJob>, token?: string, signal?: AbortSignal): Promise<void> {
    // Of another release, say: reconcile makes one of ours from the record.
    if (!isSubmitJob(job.data)) return
    const { key, chain, again, stalls } = job.data
    if (again.length === 0 && job.stalledCounter === stalls && handedHere.take(key)) return
    const open = new Set<TxKey>(again)
    let next: Exclude<Next, 'done'>
    let met = stalls
    try {
      const result = await handOver(job, open, signal)
      if (result === 'done') return
      next = result
      if (!next.busy) met = job.stalledCounter
    } catch (error) {
      // Nothing foreign reaches BullMQ, which would store and show it; the next run starts from the record. One that was cancelled
      // is free for another process at once.
      if (!signal?.aborted) logger.warn({ err: error, tx: shortId(key), chain }, 'submit will run again')
      next = signal?.aborted ? { busy: true, byMs: Date.now() } : { busy: false }
    }
    try {
      if (met !== stalls || again.length !== open.size || again.some((one) => !open.has(one))) {
        await job.updateData({ ...job.data, again: [...open], stalls: met })
      }
      await job.moveToDelayed(Date.now() + delayOf(job, next), token)
    } catch {
      // Reconcile makes the job anew.
      throw new Error('The job could not be delayed.')
    }
    throw new DelayedError()
  }

  /** @param open what is to be handed over although it was exposed before; left in it is what still is */
  async function handOver(job: Job<SubmitJob>, open: Set<TxKey>, signal?: AbortSignal): Promise<Next> {
    const { key, chain, lane, stalls } = job.data
    const adapter = chains.get(chain)
    if (!adapter) return 'done'
    const name = lane === null ? `alone-${key}` : `lane-${chain}-${lane}`
    const runningHere = running.get(name)
    if (runningHere) {
      runningHere.wanted = true
      // A job moved to delayed and back costs the store more than one that is done.
      const handed = await isHandedMeanwhile(key, runningHere, signal)
      return handed && open.size === 0 ? 'done' : { busy: true }
    }
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const turn: Turn = { wanted: false, ended }
    running.set(name, turn)
    try {
      if (lane === null) return await handOverAlone(adapter, job, open, signal)
      const found = (await records.lane(chain, lane, maxLaneLook)).map(shown)
      if (job.stalledCounter > stalls) {
        // Whatever the killed process had made durable: the chain takes it once, however often it is sent.
        for (const record of found) {
          if (isFreshlyExposed(record) && !handedHere.has(record.key)) open.add(record.key)
        }
      }
      const own =
        found.find((record) => record.key === key) ??
        (found.length < maxLaneLook ? null : shown(await records.get(key)))
      for (const one of open) {
        const record = one === key ? own : found.find((record) => record.key === one)
        if (!record || !needsWork(record, open)) open.delete(one)
      }
      const isOpen = own !== null && needsWork(own, open)
      if (open.size === 0 && !isOpen) return 'done'
      const ownResult = await withLease(records, name, signal, (held) =>
        drain(adapter, { key, chain, lane, isOpen }, found, open, turn, held),
      )
      if (ownResult === undefined) return { busy: true }
      if (ownResult === 'done' && open.size === 0) return 'done'
      return { busy: false, byMs: own?.state === 'held' ? deadlineOf(own) : undefined }
    } finally {
      running.delete(name)
      end()
    }
  }

  async function handOverAlone(
    adapter: ChainAdapter,
    job: Job<SubmitJob>,
    open: Set<TxKey>,
    signal?: AbortSignal,
  ): Promise<Next> {
    const { key, stalls } = job.data
    const record = shown(await records.get(key))
    if (record?.state === 'exposed' && job.stalledCounter > stalls && !handedHere.has(key)) open.add(key)
    if (record === null || !needsWork(record, open)) return 'done'
    const alone: Lane = new Map([[key, record]])
    const result = await inOrder(adapter, record, alone, open, signal)
    if (result !== 'done') return { busy: false, byMs: deadlineOf(record) }
    if (alone.get(key)?.state === 'exposed') handedHere.add(key)
    return 'done'
  }

  async function isHandedMeanwhile(key: TxKey, other: Turn, signal?: AbortSignal): Promise<boolean> {
    if (waitingHere >= maxWaitingHere) return false
    waitingHere++
    const late = new AbortController()
    const giveUp = signal ? AbortSignal.any([signal, late.signal]) : late.signal
    try {
      await Promise.race([other.ended, delay(maxWaitHereMs, undefined, { signal: giveUp }).catch(() => {})])
    } finally {
      late.abort()
      waitingHere--
    }
    return handedHere.take(key)
  }

  /**
   * Hands over all that is held of one account, lowest number first, whoever's job this is: a job that was a moment too
   * early for its turn need not be woken. What was read before the lease was had may be older than the lane: each change is
   * compare-and-set.
   */
  async function drain(
    adapter: ChainAdapter,
    own: Own,
    found: readonly TxRecord[],
    open: Set<TxKey>,
    turn: Turn,
    signal: AbortSignal,
  ): Promise<Result> {
    const startMs = Date.now()
    let ownResult: Result = own.isOpen ? 'again' : 'done'
    let look = found
    for (let looks = 1; ; looks++) {
      const lane: Lane = new Map(look.map((record) => [record.key, record]))
      for (const record of look.filter((record) => needsWork(record, open)).sort(bySequence)) {
        signal.throwIfAborted()
        if (Date.now() - startMs > maxLaneRunMs) return ownResult
        const result = await guarded(record, signal, () => inOrder(adapter, record, lane, open, signal))
        if (record.key === own.key) ownResult = result
        if (result === 'done' && lane.get(record.key)?.state === 'exposed') handedHere.add(record.key)
        if (result === 'wait') return ownResult
      }
      if (!turn.wanted || looks === maxLooksPerRun) return ownResult
      turn.wanted = false
      look = (await records.lane(own.chain, own.lane, maxLaneLook)).map(shown)
    }
  }

  /** A record that cannot be worked on, as under today's configuration, holds up none of the others. */
  async function guarded(
    record: TxRecord,
    signal: AbortSignal,
    work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || error instanceof StoreError) throw error
      logger.warn({ err: error, tx: shortId(record.key), chain: record.chain }, 'submit will run again')
      return 'again'
    }
  }

  async function inOrder(
    adapter: ChainAdapter,
    record: TxRecord,
    lane: Lane,
    open: Set<TxKey>,
    signal?: AbortSignal,
  ): Promise<Result> {
    if (record.bytes === null) return done(record, open)
    const tx = adapter.inspect(vault.open(record.bytes, record.key, 'bytes'))
    const waiting = signal ? { signal } : {}
    if (isLate(record)) return outOfTime(adapter, record, tx, lane, open, signal)
    // It was handed over before, and may be in a block that was never matched.
    if (record.state === 'exposed' && (await foundOnChain(adapter, record, tx, signal).catch(unknown))) {
      return done(record, open)
    }
    const preflight = await adapter.preflight(tx, waiting)
    switch (preflight.kind) {
      case 'unavailable':
        if (record.state === 'held') return 'wait'
        break
      case 'refused':
        if (record.state === 'exposed') break
        await settle.refused(record, preflight.error)
        return done(record, open)
      case 'used':
        return used(adapter, record, tx, preflight.expected, open, signal)
      case 'early':
        // The chain counts what is in blocks: a predecessor on its way is not counted yet.
        if (!predecessorsOf(record, lane).some(isUnderWay)) return waitOn(record, preflight.expected, open)
        break
      case 'ready':
        break
    }
    return expose(adapter, record, tx, lane, open, signal)
  }

  async function expose(
    adapter: ChainAdapter,
    record: TxRecord,
    tx: InspectedTx,
    lane: Lane,
    open: Set<TxKey>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const sticky = endpointsOf(lane, record)
    // An endpoint that had it before and did not bring it into a block has its turn when no other is left.
    const avoid = new Set<string>(sticky.length > 0 ? [] : endpointsIn(record.exposedTo))
    let current = record
    let rejection: WireError | undefined
    let isUsed = false
    for (let handedTo = 0; handedTo < maxEndpointsPerRun; ) {
      let endpoints = adapter.pickEndpoints({ sticky, avoid })
      if (endpoints.length === 0 && handedTo === 0) endpoints = adapter.pickEndpoints()
      if (endpoints.length === 0) break
      handedTo += endpoints.length
      for (const endpoint of endpoints) avoid.add(endpoint)
      if (isLate(current)) break
      if (current.state === 'held' || current.exposedTo !== nameEndpoints(endpoints)) {
        // Before the write: where its answer is lost, the record may be exposed, and nobody has had it.
        const wasOpen = open.has(current.key)
        open.add(current.key)
        const written = await settle.exposed(current, endpoints)
        if (written === null) {
          // Somebody else changed it: what it is now has to be read first.
          if (!wasOpen) open.delete(current.key)
          return 'wait'
        }
        current = shown(written)
        lane.set(current.key, current)
      }
      signal?.throwIfAborted()
      const answers = await Promise.all(
        endpoints.map((endpoint) => handTo(adapter, endpoint, record, tx, signal)),
      )
      if (answers.some(({ kind }) => kind === 'taken')) return done(current, open)
      for (const [index, answer] of answers.entries()) {
        if (answer.kind === 'early') return stillEarly(current, answer.expected, open)
        if (answer.kind === 'used') isUsed = true
        if (answer.kind === 'rejected') rejection ??= answer.error
        if (answer.kind === 'unavailable') continue
        // One endpoint's word, against our own look at the chain: another operator's may take it.
        for (const id of ofSameOperator(adapter, endpoints[index] ?? '')) avoid.add(id)
      }
      // With its nonce in one pool, another transaction of that nonce would only split the network's pools.
      if (rejection?.number === replacementUnderpriced) break
    }
    if (current.state === 'held') return 'wait'
    if (rejection === undefined) {
      if (!keepTrying(current, open)) return done(current, open)
      return isUsed ? 'again' : 'wait'
    }
    const told = await settle.rejected(current, rejection)
    if (told && told !== current) lane.set(told.key, shown(told))
    return done(current, open)
  }

  async function handTo(
    adapter: ChainAdapter,
    endpoint: string,
    { key, chain }: TxRecord,
    tx: InspectedTx,
    signal?: AbortSignal,
  ): Promise<Handed> {
    const startMs = Date.now()
    const startedAt = performance.now()
    const handed = await adapter.submit(endpoint, tx, signal ? { signal } : {})
    metrics.handedOver.inc({ chain, result: handed.kind })
    trace?.span({
      name: 'hand over',
      startMs,
      of: key,
      attributes: { chain, endpoint, result: handed.kind },
    })
    logger.info(
      {
        tx: shortId(key),
        chain,
        stage: 'submit',
        tookMs: Math.round(performance.now() - startedAt),
        endpoint,
        result: handed.kind,
      },
      'handed over',
    )
    return handed
  }

  /** Its number is used on chain: by this very transaction, which is success, or by another. */
  async function used(
    adapter: ChainAdapter,
    record: TxRecord,
    tx: InspectedTx,
    expected: bigint,
    open: Set<TxKey>,
    signal?: AbortSignal,
  ): Promise<Result> {
    // After the number was counted, also where it was looked for before: it may have landed between the two.
    if (await foundOnChain(adapter, record, tx, signal)) return done(record, open)
    // The endpoint that does not have it may be behind the one that counts its number as used: ask again, others too.
    if (Date.now() < record.changedAtMs + lookAgainMs) return 'again'
    const numbers = { expected, got: tx.sequence ?? 0n }
    if (record.exposedTo === null) await settle.refused(record, wireError('nonceUsed', numbers))
    else await settle.rejected(record, wireError('nonceUsed', numbers, { outcome: 'unknown' }))
    return done(record, open)
  }

  /** @throws ChainUnavailable */
  async function foundOnChain(
    adapter: ChainAdapter,
    record: TxRecord,
    tx: InspectedTx,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const handedTo = endpointsIn(record.exposedTo)
    const waiting = signal ? { signal } : {}
    const found = await adapter.find(tx.txId, { thorough: true, handedTo, ...waiting })
    if (found) await settle.included(record, found.inclusion, found.block)
    return found !== null
  }

  /** Its predecessor is not here yet. At the end of the wait the lane moves on. */
  async function waitOn(record: TxRecord, expected: bigint, open: Set<TxKey>): Promise<Result> {
    if (record.exposedTo !== null) return stillEarly(record, expected, open)
    if (Date.now() < record.changedAtMs + parts.maxLaneWaitMs) return 'wait'
    await settle.lapsed(record, gapBefore(record, expected))
    return done(record, open)
  }

  /** A node had it and expects an earlier one first. */
  async function stillEarly(record: TxRecord, expected: bigint, open: Set<TxKey>): Promise<Result> {
    if (keepTrying(record, open)) return 'wait'
    await settle.rejected(record, wireError('cosmosWrongSequence', { expected, got: record.sequence ?? 0n }))
    return done(record, open)
  }

  async function outOfTime(
    adapter: ChainAdapter,
    record: TxRecord,
    tx: InspectedTx,
    lane: Lane,
    open: Set<TxKey>,
    signal?: AbortSignal,
  ): Promise<Result> {
    if (record.exposedTo === null) {
      const preflight = await adapter.preflight(tx, signal ? { signal } : {})
      const gap = preflight.kind === 'early' && !predecessorsOf(record, lane).some(isUnderWay)
      await settle.lapsed(
        record,
        gap
          ? gapBefore(record, preflight.expected)
          : wireError('lapsed', { notAfter: Math.floor(record.notAfterMs / 1000) }, { outcome: 'notSent' }),
      )
    }
    return done(record, open)
  }

  /** Of what is held: what comes next, the end of its wait for a predecessor or its notAfter. */
  function deadlineOf(record: TxRecord): number {
    const waitedMs = record.changedAtMs + parts.maxLaneWaitMs
    return waitedMs > Date.now() ? Math.min(waitedMs, record.notAfterMs) : record.notAfterMs
  }

  /** With the nonce or sequence itself, which the store does not know. */
  function shown<R extends TxRecord | null>(record: R): R {
    if (record === null || record.laneMac === null || record.sequence === null) return record
    return { ...record, sequence: vault.showSequence(record.laneMac, record.sequence) }
  }

  /** What was exposed and not taken is tried at this pace for as long as a predecessor is waited for; then reconcile's. */
  function keepTrying(record: TxRecord, open: Set<TxKey>): boolean {
    return open.has(record.key) && Date.now() < record.createdAtMs + parts.maxLaneWaitMs
  }

  /** Handed over, and no endpoint has said no: a node that counts the mempool's has it before this one. */
  function isUnderWay(record: TxRecord): boolean {
    if (record.state !== 'exposed') return false
    const detail = openDetail(record, vault)
    return !(detail?.stage === 'submitted' && detail.rejection)
  }
}

/** Nobody can say whether it is on chain: sending it again does no harm. */
function unknown(error: unknown): false {
  if (error instanceof ChainUnavailable) return false
  throw error
}

function done(record: TxRecord, open: Set<TxKey>): Result {
  open.delete(record.key)
  return 'done'
}

function needsWork(record: TxRecord, open: ReadonlySet<TxKey>): boolean {
  if (record.bytes === null || record.blockHeight !== null) return false
  return record.state === 'held' || (record.state === 'exposed' && open.has(record.key))
}

function isLate(record: TxRecord): boolean {
  return record.notAfterMs <= Date.now()
}

function isFreshlyExposed(record: TxRecord): boolean {
  return record.state === 'exposed' && Date.now() < record.changedAtMs + stalledLookBackMs
}

function bySequence(a: TxRecord, b: TxRecord): number {
  const [left, right] = [a.sequence ?? 0n, b.sequence ?? 0n]
  return left < right ? -1 : left > right ? 1 : 0
}

function predecessorsOf(record: TxRecord, lane: Lane): TxRecord[] {
  if (record.sequence === null) return []
  const before = record.sequence - 1n
  return [...lane.values()].filter(({ sequence }) => sequence === before)
}

/** The endpoints that have what the sender has in flight, the latest of it. */
function endpointsOf(lane: Lane, record: TxRecord): readonly string[] {
  const inFlight = [...lane.values()].filter(
    ({ key, state, exposedTo }) => key !== record.key && state === 'exposed' && exposedTo !== null,
  )
  return endpointsIn(inFlight.sort(bySequence).at(-1)?.exposedTo ?? null)
}

function ofSameOperator(adapter: ChainAdapter, endpoint: string): string[] {
  const all = adapter.endpoints()
  const operator = all.find(({ id }) => id === endpoint)?.operator
  return all.filter((one) => one.operator === operator).map(({ id }) => id)
}

const replacementUnderpriced = wireError('replacementUnderpriced').number

function gapBefore(record: TxRecord, expected: bigint): WireError {
  return wireError('sequenceGap', { expected, got: record.sequence ?? 0n })
}

function delayOf(job: Job<SubmitJob>, next: Exclude<Next, 'done'>): number {
  const limitMs = next.busy ? maxBusyDelayMs : maxDelayMs
  const delayMs = Math.min(firstDelayMs * 2 ** Math.min(job.attemptsStarted - 1, 10), limitMs)
  if (next.byMs === undefined) return delayMs
  return Math.min(delayMs, Math.max(next.byMs - Date.now(), firstDelayMs / 4))
}

import { type WireError, wireError } from '@veilcast/shared/errors'
import type { RequestId } from '@veilcast/shared/protocol'
import { type ChainId, maxNotAfterSeconds, type SubmitRequest } from '@veilcast/shared/protocol'
import {
  type ChainAdapter,
  type InspectedTx,
  type Preflight,
  TransactionRefused,
} from '../chains/ChainAdapter.ts'
import { type Logger, shortId } from '../observability/logger.ts'
import type { SubmitJobs } from '../stages/submitJobs.ts'
import { clockToleranceSeconds } from '../store/keepUntil.ts'
import { laneOf } from '../store/rekey.ts'
import {
  liveStates,
  type Mac,
  type TxDraft,
  type TxKey,
  type TxRecord,
  type TxStore,
} from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import type { Askers } from './askers.ts'
import type { CarryOver } from './carryOver.ts'
import { createPlaces, type Places } from './countPlaces.ts'
import type { ReplyPath } from './ReplyPath.ts'
import { createRefusals } from './refusals.ts'
import type { TellAskers } from './tellAskers.ts'

/** Why a submit was not taken: a reply of kind failure. */
export type AdmitResult = 'told' | { readonly failure: WireError }

export interface AdmitLimits {
  /**
   * Transactions of one chain that are in no block yet. Each process counts exactly; of several on one store, each may
   * let in 64 more. Half of either limit is kept for transactions whose signer is proven.
   */
  readonly maxWaitingPerChain: number
  /** Those of one account. */
  readonly maxWaitingPerAccount: number
  /**
   * Records of one chain that ended before a byte was handed over, and are kept to say so. Beyond, what the chain would
   * refuse is refused at the door, and leaves no record.
   */
  readonly maxUnsentPerChain: number
}

interface Submit {
  readonly id: RequestId
  readonly surbs: number
  readonly body: SubmitRequest
}

interface Inspected {
  readonly adapter: ChainAdapter
  readonly tx: InspectedTx
  readonly key: TxKey
  /** Set where its notAfter has passed or lies too far ahead. */
  readonly late: WireError | undefined
  readonly nowMs: number
}

/** Messages that bring the same bytes in at the same time. */
interface Admission {
  messages: number
  /** The first of them that makes the record. */
  writing: Promise<AdmitResult> | undefined
}

/** How long a count of those is believed. */
const countAgeMs = 1_000
const refusedRetryMs = 5_000
const maxProofMs = 3_000

/**
 * Takes a submit, or says why not. The asker is registered before the record is read, so that no change of state falls
 * between; `accepted` is told only after the record is durable.
 */
export function createAdmit(parts: {
  readonly chains: ReadonlyMap<ChainId, ChainAdapter>
  readonly records: TxStore
  readonly vault: Vault
  readonly askers: Askers
  readonly tell: TellAskers
  readonly submitJobs: SubmitJobs
  readonly limits: AdmitLimits
  readonly carryOver?: CarryOver | undefined
  readonly logger: Logger
}) {
  const { chains, records, vault, askers, tell, submitJobs, limits, carryOver, logger } = parts
  const refusals = createRefusals()
  const unsent = new Map<ChainId, { readonly atMs: number; readonly count: Promise<number> }>()
  const chainPlaces = new Map<ChainId, Places>()
  for (const chain of chains.keys()) {
    chainPlaces.set(
      chain,
      createPlaces(() => records.countWaiting(chain), { exact: false }),
    )
  }
  /** Of the accounts that a request is being looked at for. */
  const lanePlaces = new Map<Mac, { readonly places: Places; users: number }>()
  const admitting = new Map<TxKey, Admission>()

  return async function admit(request: Submit, path: ReplyPath): Promise<AdmitResult> {
    const { body } = request
    const nowMs = Date.now()
    const key = vault.keyOf(body.chain, body.signedTx)

    const formerKey = vault.former?.keyOf(body.chain, body.signedTx)

    const adapter = chains.get(body.chain)
    if (!adapter) return refuse(key, wireError('chainNotServed'), formerKey)
    if (body.signedTx.length > adapter.maxTransactionBytes) {
      const values = { limitBytes: adapter.maxTransactionBytes, sizeBytes: body.signedTx.length }
      return refuse(key, wireError('transactionTooLarge', values), formerKey)
    }
    const late = outOfTime(body.notAfter, nowMs)

    let tx: InspectedTx
    try {
      tx = adapter.inspect(body.signedTx)
    } catch (error) {
      if (error instanceof TransactionRefused) return refuse(key, error.error, formerKey)
      throw error
    }

    await carryOver?.(body.chain, body.signedTx, tx)
    const laneMac = laneOf(body.chain, tx, vault).laneMac ?? undefined
    const inspected: Inspected = { adapter, tx, key, late, nowMs }
    const entry = admitting.get(key) ?? { messages: 0, writing: undefined }
    admitting.set(key, entry)
    entry.messages++
    try {
      return await withLane(body.chain, laneMac, (lane) => take(request, path, inspected, lane, entry))
    } finally {
      entry.messages--
      if (entry.messages === 0) admitting.delete(key)
    }
  }

  async function withLane<T>(
    chain: ChainId,
    laneMac: Mac | undefined,
    work: (lane: Places | undefined) => Promise<T>,
  ): Promise<T> {
    if (laneMac === undefined) return work(undefined)
    let lane = lanePlaces.get(laneMac)
    if (lane === undefined) {
      const places = createPlaces(() => records.countLane(chain, laneMac), { exact: true })
      lane = { places, users: 0 }
      lanePlaces.set(laneMac, lane)
    }
    lane.users++
    try {
      return await work(lane.places)
    } finally {
      lane.users--
      if (lane.users === 0) lanePlaces.delete(laneMac)
    }
  }

  async function take(
    request: Submit,
    path: ReplyPath,
    inspected: Inspected,
    lane: Places | undefined,
    entry: Admission,
  ): Promise<AdmitResult> {
    const { adapter, tx, key, late, nowMs } = inspected
    const chain = chainPlaces.get(adapter.chain)
    const [known, ofChain, ofAccount] = await Promise.all([records.get(key), chain?.count(), lane?.count()])
    const wantsWork = known === null || known.state === 'refused' || known.state === 'lapsed'
    if (!wantsWork) return write(request, path, inspected, known)
    if (late) {
      // What was taken before is answered from the record, however late it is asked again.
      return known === null ? { failure: late } : write(request, path, inspected, known)
    }
    const before = refusals.recall(request.id, key, nowMs)
    if (before) return { failure: inLightOf(known, before) }

    const many = known === null && (await hasManyUnsent(adapter.chain))
    let waiting = ofChain
    if (waiting && waiting() >= limits.maxWaitingPerChain) waiting = await chain?.count(true)
    let preflight: Preflight | undefined
    // From the look at the numbers to the place that is taken nothing may be waited for.
    for (;;) {
      const { writing } = entry
      if (writing && known === null) {
        await writing
        return take(request, path, inspected, lane, entry)
      }
      const crowd = { waiting: waiting?.() ?? 0, ofAccount: ofAccount?.() ?? 0 }
      const full = noRoom(adapter, crowd, tx.signer === 'claimed')
      if (full) return turnAway(request, key, full, entry)
      const half = tx.signer === 'provable' ? noRoom(adapter, crowd, true) : undefined
      if (!half && !many) break
      if (preflight) {
        const failure = refusal(preflight, tx, many)
        if (failure) return { failure: inLightOf(known, failure) }
        if (half && preflight.kind === 'ready' && preflight.unproven) {
          return turnAway(request, key, half, entry)
        }
        break
      }
      preflight = await ask(adapter, tx)
    }

    const places = [chain?.take(), lane?.take()]
    let isAdded = true
    const writing = write(request, path, inspected, known, () => {
      isAdded = false
    })
    entry.writing = writing
    try {
      return await writing
    } finally {
      if (entry.writing === writing) entry.writing = undefined
      for (const place of places) {
        if (isAdded) place?.keep()
        else place?.leave()
      }
    }
  }

  /** @param notAdded called where the record was there already, or there will be none */
  async function write(
    request: Submit,
    path: ReplyPath,
    { tx, key, late, nowMs }: Inspected,
    known: TxRecord | null,
    notAdded: () => void = () => {},
  ): Promise<AdmitResult> {
    const { body } = request
    const asker = askers.register({
      id: request.id,
      path,
      key,
      until: body.until,
      everyStage: body.everyStage,
      surbs: request.surbs,
      nowMs,
    })
    if (asker === 'reused') {
      notAdded()
      return { failure: wireError('requestIdReused') }
    }

    if (known !== null && late) {
      if (asker === 'full') return { failure: busy() }
      await tell.answer(asker)
      return 'told'
    }
    // News from here on are told too: whoever has the record first tells, and the other finds it told.
    if (asker !== 'full') asker.answering = true
    try {
      const { record, how } = await records.admit(draftOf(key, body, tx, request.id, nowMs, known))
      if (how === 'merged') notAdded()
      // What had run out of time after it was handed over is handed over again.
      if (how === 'revived') await addJob(record, { again: record.state === 'exposed' })
      else if (record.state === 'held') await addJob(record)
      if (asker === 'full') return { failure: busy() }
      tell.answerWith(asker, record)
      return 'told'
    } catch (error) {
      // The failure takes one of its SURBs.
      if (asker !== 'full') asker.answering = false
      throw error
    }
  }

  /** The record is there, and is what counts: a job that is missing is made by reconcile. */
  async function addJob(record: TxRecord, options?: { readonly again: boolean }): Promise<void> {
    try {
      await submitJobs.add(record, options)
    } catch (error) {
      logger.warn(
        { err: error, tx: shortId(record.key), chain: record.chain },
        'a transaction was taken, and its job was not added yet',
      )
    }
  }

  /** For want of room or of an endpoint: a copy of this message hears the same. */
  function turnAway(
    request: Submit,
    key: TxKey,
    failure: WireError,
    { messages }: Admission,
  ): Promise<AdmitResult> {
    // Another message may bring the same bytes in yet.
    const told: WireError = messages > 1 ? { ...failure, outcome: 'unknown' } : failure
    refusals.keep(request.id, key, told, request.body.notAfter * 1000)
    return refuse(key, told)
  }

  /** These very bytes may have been taken before, as under another configuration. */
  async function refuse(key: TxKey, failure: WireError, formerKey?: TxKey): Promise<AdmitResult> {
    const known = (await records.get(key)) ?? (formerKey && (await records.get(formerKey))) ?? null
    return { failure: inLightOf(known, failure) }
  }

  async function hasManyUnsent(chain: ChainId): Promise<boolean> {
    const nowMs = Date.now()
    let counted = unsent.get(chain)
    if (counted === undefined || counted.atMs + countAgeMs <= nowMs) {
      counted = { atMs: nowMs, count: records.countUnsent(chain, limits.maxUnsentPerChain) }
      unsent.set(chain, counted)
    }
    return (await counted.count) >= limits.maxUnsentPerChain
  }

  async function ask(adapter: ChainAdapter, tx: InspectedTx): Promise<Preflight> {
    const signal = AbortSignal.timeout(maxProofMs)
    try {
      return await adapter.preflight(tx, { signal })
    } catch (error) {
      if (signal.aborted) return { kind: 'unavailable' }
      throw error
    }
  }

  /** @param claimed by a signer that nobody has proven: such transactions find half the room */
  function noRoom(
    adapter: ChainAdapter,
    { waiting, ofAccount }: { readonly waiting: number; readonly ofAccount: number },
    claimed: boolean,
  ): WireError | undefined {
    if (!adapter.live()) return wireError('noLiveEndpoint')
    const room = (limit: number): number => (claimed ? Math.ceil(limit / 2) : limit)
    const chainRoom = room(limits.maxWaitingPerChain)
    if (waiting >= chainRoom) return wireError('backlogFull', { waiting: chainRoom, limit: chainRoom })
    const accountRoom = room(limits.maxWaitingPerAccount)
    if (ofAccount < accountRoom) return undefined
    return wireError('accountBacklogFull', { waiting: ofAccount, limit: accountRoom })
  }

  /** A copy of a message from before a rotation of the key file is still one. */
  function requestMacOf(id: RequestId, known: TxRecord | null): Mac {
    const former = vault.former?.requestMac(id)
    return former !== undefined && known?.requestMacs.includes(former) ? former : vault.requestMac(id)
  }

  function draftOf(
    key: TxKey,
    body: SubmitRequest,
    tx: InspectedTx,
    requestId: RequestId,
    nowMs: number,
    known: TxRecord | null,
  ): TxDraft {
    return {
      key,
      chain: body.chain,
      txIdMac: vault.txIdMac(body.chain, tx.txId),
      ...laneOf(body.chain, tx, vault),
      bytes: vault.seal(body.signedTx, key, 'bytes'),
      txId: vault.seal(tx.txId, key, 'txId'),
      requestMac: requestMacOf(requestId, known),
      notAfterMs: body.notAfter * 1000,
      nowMs,
    }
  }
}

/** A failure speaks of the message; of bytes that are under way or were handed over, it must not say that they are not. */
function inLightOf(known: TxRecord | null, failure: WireError): WireError {
  if (known === null) return failure
  const isLive = liveStates.some((state) => state === known.state)
  return isLive || known.exposedTo !== null ? { ...failure, outcome: 'unknown' } : failure
}

/**
 * What the submit stage would say, without a record of it. As nothing keeps a later copy from being sent, none of it may be
 * called unsent.
 *
 * @param all also what would leave a record that nobody was shown, or wait; otherwise only what is not proven
 */
function refusal(preflight: Preflight, tx: InspectedTx, all: boolean): WireError | undefined {
  const outcome = 'unknown'
  switch (preflight.kind) {
    case 'ready':
      return undefined
    case 'refused':
      return { ...preflight.error, outcome }
    case 'used': {
      const numbers = { expected: preflight.expected, got: tx.sequence ?? 0n }
      return all ? wireError('nonceUsed', numbers, { outcome }) : undefined
    }
    case 'early':
      return all ? wireError('busy', { retryAfterMs: refusedRetryMs }, { outcome }) : undefined
    case 'unavailable':
      return wireError('busy', { retryAfterMs: refusedRetryMs }, { outcome })
  }
}

function outOfTime(notAfter: number, nowMs: number): WireError | undefined {
  const now = Math.floor(nowMs / 1000)
  if (notAfter <= now) return wireError('notAfterPassed', { notAfter, now })
  if (notAfter > now + maxNotAfterSeconds + clockToleranceSeconds) {
    return wireError('notAfterTooFar', { maxSeconds: maxNotAfterSeconds })
  }
  return undefined
}

function busy(): WireError {
  return wireError('busy', { retryAfterMs: 5000 }, { outcome: 'unknown' })
}

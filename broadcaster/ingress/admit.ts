import { type WireError, wireError } from '@veilcast/shared/errors'
import type { SenderTag } from '@veilcast/shared/mixnet'
import type { RequestId } from '@veilcast/shared/protocol'
import { type ChainId, maxNotAfterSeconds, type SubmitRequest } from '@veilcast/shared/protocol'
import { type ChainAdapter, type InspectedTx, TransactionRefused } from '../chains/ChainAdapter.ts'
import type { SubmitJobs } from '../stages/submitJobs.ts'
import { clockToleranceSeconds } from '../store/keepUntil.ts'
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
import { createTurns } from './inTurn.ts'
import { createRefusals } from './refusals.ts'
import type { TellAskers } from './tellAskers.ts'

/** Why a submit was not taken: a reply of kind failure. */
export type AdmitResult = 'told' | { readonly failure: WireError }

export interface AdmitLimits {
  /** Live transactions of one chain. What comes in at the same instant, 64 requests at most, may pass either limit. */
  readonly maxWaitingPerChain: number
  /** Live transactions of one account. */
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
  readonly laneMac: Mac | undefined
  /** Set where its notAfter has passed or lies too far ahead. */
  readonly late: WireError | undefined
  readonly nowMs: number
}

/** How long a count of those is believed. */
const countAgeMs = 1_000
const refusedRetryMs = 5_000
/** What waits on a chain is counted this often, and what is admitted meanwhile is added. */
const countEveryMs = 250

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
}) {
  const { chains, records, vault, askers, tell, submitJobs, limits } = parts
  const refusals = createRefusals()
  const unsent = new Map<ChainId, { readonly atMs: number; readonly count: Promise<number> }>()
  const waitingOf = countWaiting(records, limits.maxWaitingPerChain)

  const inTurn = createTurns()

  return async function admit(request: Submit, tag: SenderTag): Promise<AdmitResult> {
    const { body } = request
    const nowMs = Date.now()
    const key = vault.keyOf(body.chain, body.signedTx)

    const adapter = chains.get(body.chain)
    if (!adapter) return refuse(key, wireError('chainNotServed'))
    if (body.signedTx.length > adapter.maxTransactionBytes) {
      const values = { limitBytes: adapter.maxTransactionBytes, sizeBytes: body.signedTx.length }
      return refuse(key, wireError('transactionTooLarge', values))
    }
    const late = outOfTime(body.notAfter, nowMs)

    let tx: InspectedTx
    try {
      tx = adapter.inspect(body.signedTx)
    } catch (error) {
      if (error instanceof TransactionRefused) return refuse(key, error.error)
      throw error
    }

    const laneMac = tx.account === undefined ? undefined : vault.laneMac(body.chain, tx.account)
    const inspected: Inspected = { adapter, tx, key, laneMac, late, nowMs }
    // What is counted of an account has to be written before it is counted again.
    return inTurn(laneMac ?? key, () => take(request, tag, inspected))
  }

  async function take(
    request: Submit,
    tag: SenderTag,
    { adapter, tx, key, laneMac, late, nowMs }: Inspected,
  ): Promise<AdmitResult> {
    const { body } = request
    const [known, waiting, ofAccount] = await Promise.all([
      records.get(key),
      waitingOf(body.chain),
      laneMac === undefined ? 0 : records.countLane(body.chain, laneMac),
    ])
    const wantsWork = known === null || known.state === 'refused' || known.state === 'lapsed'
    if (wantsWork) {
      // What was taken before is answered from the record, however late it is asked again.
      if (late && known === null) return { failure: late }
      if (!late) {
        const before = refusals.recall(request.id, key, nowMs)
        if (before) return { failure: inLightOf(known, before) }
        const full = noRoom(adapter, waiting.count, ofAccount)
        if (full) {
          refusals.keep(request.id, key, full, body.notAfter * 1000)
          return { failure: inLightOf(known, full) }
        }
        if (known === null && (await hasManyUnsent(adapter.chain))) {
          const refused = await refusedByChain(adapter, tx)
          if (refused) return { failure: refused }
        }
        waiting.count++
      }
    }

    const asker = askers.register({
      id: request.id,
      tag,
      key,
      until: body.until,
      everyStage: body.everyStage,
      surbs: request.surbs,
      nowMs,
    })
    if (asker === 'reused') return { failure: wireError('requestIdReused') }

    if (known !== null && late) {
      if (asker === 'full') return { failure: busy() }
      await tell.answer(asker)
      return 'told'
    }
    // News from here on are told too: whoever has the record first tells, and the other finds it told.
    if (asker !== 'full') asker.answering = true
    try {
      const { record, how } = await records.admit(draftOf(key, body, tx, request.id, nowMs))
      // What had run out of time after it was handed over is handed over again.
      if (how === 'revived') await submitJobs.add(record, { again: record.state === 'exposed' })
      else if (record.state === 'held') await submitJobs.add(record)
      if (asker === 'full') return { failure: busy() }
      tell.answerWith(asker, record)
      return 'told'
    } catch (error) {
      // The failure takes one of its SURBs.
      if (asker !== 'full') asker.answering = false
      throw error
    }
  }

  /** These very bytes may have been taken before, as under another configuration. */
  async function refuse(key: TxKey, failure: WireError): Promise<AdmitResult> {
    return { failure: inLightOf(await records.get(key), failure) }
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

  /**
   * What the submit stage would find, without a record of it. As nothing keeps a later copy from being sent, none of it
   * may be called unsent.
   */
  async function refusedByChain(adapter: ChainAdapter, tx: InspectedTx): Promise<WireError | undefined> {
    const preflight = await adapter.preflight(tx)
    switch (preflight.kind) {
      case 'ready':
        return undefined
      case 'refused':
        return { ...preflight.error, outcome: 'unknown' }
      case 'used': {
        const numbers = { expected: preflight.expected, got: tx.sequence ?? 0n }
        return wireError('nonceUsed', numbers, { outcome: 'unknown' })
      }
      default:
        return wireError('busy', { retryAfterMs: refusedRetryMs }, { outcome: 'unknown' })
    }
  }

  function noRoom(adapter: ChainAdapter, waiting: number, ofAccount: number): WireError | undefined {
    if (!adapter.live()) return wireError('noLiveEndpoint')
    if (waiting >= limits.maxWaitingPerChain) {
      return wireError('backlogFull', { waiting, limit: limits.maxWaitingPerChain })
    }
    if (ofAccount < limits.maxWaitingPerAccount) return undefined
    return wireError('accountBacklogFull', { waiting: ofAccount, limit: limits.maxWaitingPerAccount })
  }

  function draftOf(
    key: TxKey,
    body: SubmitRequest,
    tx: InspectedTx,
    requestId: RequestId,
    nowMs: number,
  ): TxDraft {
    const laneMac = tx.account === undefined ? null : vault.laneMac(body.chain, tx.account)
    const ordered = laneMac !== null && tx.sequence !== undefined
    return {
      key,
      chain: body.chain,
      txIdMac: vault.txIdMac(body.chain, tx.txId),
      laneMac,
      sequence: ordered ? vault.hideSequence(laneMac, tx.sequence) : null,
      bytes: vault.seal(body.signedTx, key, 'bytes'),
      txId: vault.seal(tx.txId, key, 'txId'),
      requestMac: vault.requestMac(requestId),
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

/**
 * How many transactions wait on a chain, to whoever may add one to it. A count takes the longer the more there are, so it is
 * shared; where there seems to be no room they are counted anew.
 */
function countWaiting(records: TxStore, limit: number): (chain: ChainId) => Promise<{ count: number }> {
  const counts = new Map<ChainId, { readonly atMs: number; readonly counted: Promise<{ count: number }> }>()

  async function countAnew(chain: ChainId): Promise<{ count: number }> {
    const counted = records.countLive(chain).then((count) => ({ count }))
    const entry = { atMs: Date.now(), counted }
    counts.set(chain, entry)
    counted.catch(() => {
      if (counts.get(chain) === entry) counts.delete(chain)
    })
    return counted
  }

  return async (chain) => {
    const known = counts.get(chain)
    if (known === undefined || known.atMs + countEveryMs <= Date.now()) return countAnew(chain)
    const shared = await known.counted
    return shared.count < limit ? shared : countAnew(chain)
  }
}

import { type WireError, wireError } from '@veilcast/shared/errors'
import type { SenderTag } from '@veilcast/shared/mixnet'
import type { RequestId } from '@veilcast/shared/protocol'
import { type ChainId, maxNotAfterSeconds, type SubmitRequest } from '@veilcast/shared/protocol'
import { type ChainAdapter, type InspectedTx, TransactionRefused } from '../chains/ChainAdapter.ts'
import type { SubmitJobs } from '../stages/submitJobs.ts'
import type { TxDraft, TxKey, TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import type { Askers } from './askers.ts'
import type { TellAskers } from './tellAskers.ts'

/** Why a submit was not taken: a reply of kind failure. */
export type AdmitResult = 'told' | { readonly failure: WireError }

export interface AdmitLimits {
  /** Live transactions of one chain. */
  readonly maxWaitingPerChain: number
  /** Live transactions of one account. */
  readonly maxWaitingPerAccount: number
}

/** Clocks of wallets and of this machine differ by less than this. */
const clockToleranceSeconds = 60

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

  return async function admit(
    request: { readonly id: RequestId; readonly surbs: number; readonly body: SubmitRequest },
    tag: SenderTag,
  ): Promise<AdmitResult> {
    const { body } = request
    const nowMs = Date.now()
    const key = vault.keyOf(body.chain, body.signedTx)

    const adapter = chains.get(body.chain)
    if (!adapter) return { failure: wireError('chainNotServed') }
    if (body.signedTx.length > adapter.maxTransactionBytes) {
      return {
        failure: wireError('transactionTooLarge', {
          limitBytes: adapter.maxTransactionBytes,
          sizeBytes: body.signedTx.length,
        }),
      }
    }
    const late = outOfTime(body.notAfter, nowMs)

    let tx: InspectedTx
    try {
      tx = adapter.inspect(body.signedTx)
    } catch (error) {
      if (error instanceof TransactionRefused) return { failure: error.error }
      throw error
    }

    const known = await records.get(key)
    const wantsWork = known === null || known.state === 'refused' || known.state === 'lapsed'
    if (wantsWork) {
      // What was taken before is answered from the record, however late it is asked again.
      if (late && known === null) return { failure: late }
      if (!late) {
        const full = await noRoom(adapter, tx)
        if (full) return { failure: full }
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

    if (known === null || !late) {
      const { record, how } = await records.admit(draftOf(key, body, tx, request.id, nowMs))
      // What had run out of time after it was handed over is handed over again.
      if (how === 'revived') await submitJobs.add(record, { again: record.state === 'exposed' })
      else if (record.state === 'held') await submitJobs.add(record)
    }
    if (asker === 'full')
      return { failure: wireError('busy', { retryAfterMs: 5000 }, { outcome: 'unknown' }) }
    await tell.answer(asker)
    return 'told'
  }

  async function noRoom(adapter: ChainAdapter, tx: InspectedTx): Promise<WireError | undefined> {
    if (!adapter.live()) return wireError('noLiveEndpoint')
    const waiting = await records.countLive(adapter.chain)
    if (waiting >= limits.maxWaitingPerChain) {
      return wireError('backlogFull', { waiting, limit: limits.maxWaitingPerChain })
    }
    if (tx.account === undefined) return undefined
    const ofAccount = await records.countLane(adapter.chain, vault.laneMac(adapter.chain, tx.account))
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

function outOfTime(notAfter: number, nowMs: number): WireError | undefined {
  const now = Math.floor(nowMs / 1000)
  if (notAfter <= now) return wireError('notAfterPassed', { notAfter, now })
  if (notAfter > now + maxNotAfterSeconds + clockToleranceSeconds) {
    return wireError('notAfterTooFar', { maxSeconds: maxNotAfterSeconds })
  }
  return undefined
}

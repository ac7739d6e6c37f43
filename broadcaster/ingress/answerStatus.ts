import { type WireError, wireError } from '@veilcast/shared/errors'
import type { RequestId, StatusRequest } from '@veilcast/shared/protocol'
import type { LookAgain } from '../stages/lookAgain.ts'
import type { TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import type { Askers } from './askers.ts'
import type { ReplyPath } from './ReplyPath.ts'
import type { TellAskers } from './tellAskers.ts'

/**
 * Answers from the record for whoever knows the submit's request id, and goes on telling until what it waits for. To
 * anyone else the answer is the one about a transaction never seen.
 */
export function createAnswerStatus(parts: {
  readonly records: TxStore
  readonly vault: Vault
  readonly askers: Askers
  readonly tell: TellAskers
  readonly lookAgain: LookAgain
}) {
  const { records, vault, askers, tell, lookAgain } = parts

  return async function answerStatus(
    request: { readonly id: RequestId; readonly surbs: number; readonly body: StatusRequest },
    path: ReplyPath,
  ): Promise<'told' | { readonly failure: WireError }> {
    const { submitId } = request.body
    const found =
      (await records.byRequest(vault.requestMac(submitId))) ??
      (vault.former ? await records.byRequest(vault.former.requestMac(submitId)) : null)
    if (found === null) return { failure: wireError('unknownRequest') }
    const asker = askers.register({
      id: request.id,
      path,
      key: found.key,
      until: request.body.until,
      everyStage: request.body.everyStage,
      surbs: request.surbs,
      nowMs: Date.now(),
    })
    if (asker === 'reused') return { failure: wireError('requestIdReused') }
    if (asker === 'full')
      return { failure: wireError('busy', { retryAfterMs: 5000 }, { outcome: 'unknown' }) }
    await lookAgain(found)
    await tell.answer(asker)
    return 'told'
  }
}

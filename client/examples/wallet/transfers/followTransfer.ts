import type { Receipt, VeilcastClient } from '@veilcast/client'
import { describeFailure } from './describeFailure.ts'
import { hearProgress } from './hearProgress.ts'
import type { Transfer } from './Transfer.ts'

type Change = (change: (transfer: Transfer) => Transfer) => void

/** Finality takes a quarter of an hour on some chains. */
const followMs = 30 * 60_000

/** Sends signed bytes and tells each word that is heard of them, to the end. Never rejects: failures are told too. */
export async function sendTransfer(
  client: VeilcastClient,
  { chain, signedTx }: { readonly chain: string; readonly signedTx: Uint8Array | string },
  change: Change,
): Promise<void> {
  await follow(
    client.submit(
      { chain, signedTx, until: 'final', everyStage: true },
      {
        timeoutMs: followMs,
        onProgress: (progress) => change((one) => hearProgress(one, progress, Date.now())),
      },
    ),
    change,
  )
}

/** Asks for one that was sent before, by the id of its submit. */
export async function resumeTransfer(
  client: VeilcastClient,
  { chain, txId, requestId, broadcaster }: Transfer,
  change: Change,
): Promise<void> {
  if (!requestId) {
    change((one) => ({ ...one, progress: 'silent' }))
    return
  }
  await follow(
    client.status(
      { submitId: requestId, chain, txId, broadcaster, until: 'final', everyStage: true },
      {
        timeoutMs: followMs,
        onProgress: (progress) => change((one) => hearProgress(one, progress, Date.now())),
      },
    ),
    change,
  )
}

async function follow(receipt: Promise<Receipt>, change: Change): Promise<void> {
  try {
    const { messages } = await receipt
    change((one) => ({ ...one, messages, progress: 'ended', failure: undefined }))
  } catch (error) {
    const failure = describeFailure(error)
    change((one) => ({ ...one, failure, progress: failure.outcome === 'unknown' ? 'silent' : 'ended' }))
  }
}

import type { Progress, Receipt, VeilcastClient } from '@veilcast/client'
import { describeFailure } from './describeFailure.ts'
import { hearProgress } from './hearProgress.ts'
import type { Transfer } from './Transfer.ts'

type Change = (change: (transfer: Transfer) => Transfer) => void

/** Finality takes a quarter of an hour on some chains. */
const followMs = 30 * 60_000

/** Sends signed bytes and tells each word that is heard of them, to the end. Never rejects: failures are told too. */
export async function sendTransfer(
  client: VeilcastClient,
  { chain, signedTx }: { readonly chain: string; readonly signedTx: string },
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

interface Rest {
  /** Those that are asked for although the journal does not hold them. */
  readonly wanted: ReadonlySet<string>
  change(id: string): Change
  /** One that the list does not know. */
  found(transfer: Transfer): void
}

/**
 * Takes up what the journal holds, and tells each word that is heard of it. What is wanted, and not in the
 * journal, is asked for by the id of its submit.
 *
 * @throws VeilcastError `journalUnavailable`
 */
export async function resumeTransfers(
  client: VeilcastClient,
  transfers: readonly Transfer[],
  { wanted, change, found }: Rest,
): Promise<void> {
  const idOf = new Map(transfers.flatMap(({ txId, id }) => (txId ? [[txId, id] as const] : [])))
  const tell = (progress: Progress) => {
    const id = progress.txId && idOf.get(progress.txId)
    if (id) change(id)((one) => hearProgress(one, progress, Date.now()))
  }
  const unfinished = await client.resume({ timeoutMs: followMs, onProgress: tell })
  const resumed = new Set<string>()
  for (const { id: entryId, chain, txId, madeAtMs, receipt } of unfinished) {
    const known = idOf.get(txId)
    const id = known ?? entryId
    if (!known) found({ id, chain, txId, sentAtMs: madeAtMs, progress: 'running', stages: [], repeated: 0 })
    idOf.set(txId, id)
    resumed.add(id)
    change(id)((one) => ({ ...one, progress: 'running', failure: undefined }))
    void follow(receipt, change(id))
  }
  for (const transfer of transfers) {
    if (wanted.has(transfer.id) && !resumed.has(transfer.id)) {
      void askFor(client, transfer, change(transfer.id))
    }
  }
}

async function askFor(client: VeilcastClient, transfer: Transfer, change: Change): Promise<void> {
  const { chain, txId, requestId, broadcaster } = transfer
  if (!requestId) return change((one) => ({ ...one, progress: 'silent' }))
  const onProgress = (progress: Progress) => change((one) => hearProgress(one, progress, Date.now()))
  await follow(
    client.status(
      { submitId: requestId, chain, txId, broadcaster, until: 'final', everyStage: true },
      { timeoutMs: followMs, onProgress },
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

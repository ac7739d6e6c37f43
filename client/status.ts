import type { Until } from '@veilcast/shared/protocol'
import { computeTxId, familyOf } from './computeTxId.ts'
import { converse, type Line } from './converse.ts'
import { follow } from './follow.ts'
import { parseProgress, parseStatus, parseWait } from './parseArguments.ts'
import type { Receipt } from './receipt.ts'
import type { FollowingOptions } from './submit.ts'

export interface StatusParameters {
  /** `requestId` of the receipt, or of the progress, of a submit: 32 hex digits. */
  readonly submitId: string
  /** CAIP-2. Needed with `signedTx` or `txId`. */
  readonly chain?: string | undefined
  /** To check that the answer is about this very transaction. It is not sent. */
  readonly signedTx?: Uint8Array | string | undefined
  /** The same, by its hash in hex. Without either the answer's own txId is taken as it comes. */
  readonly txId?: string | undefined
  /** How far to wait. Default `accepted`: what is known now. */
  readonly until?: Until | undefined
  readonly everyStage?: boolean | undefined
  /** The one that the submit went to, by index. Default: all in turn, until one knows it. */
  readonly broadcaster?: number | undefined
}

export async function status(
  line: Line,
  parameters: StatusParameters,
  options: FollowingOptions,
): Promise<Receipt> {
  const asked = parseStatus(parameters, line.broadcasters.length)
  const { signal, timeoutMs } = parseWait(options)
  const { submitId, chain, signedTx, until, everyStage, broadcaster: only } = asked
  const tell = parseProgress(options, line.warn)
  const txId = chain && signedTx ? computeTxId(chain, signedTx) : asked.txId
  const messages = { sent: 0, received: 0, surbs: 0, packetsUp: 0 }
  const talk = follow({
    followed: { kind: 'status', submitId, txId },
    chain,
    family: chain && familyOf(chain),
    until,
    everyStage,
    broadcasters: line.broadcasters.length,
    messages,
    now: line.now,
    onProgress(progress) {
      if (chain && progress.state) line.chainMoves(chain)
      tell(progress)
    },
  })
  return converse(line, talk, { signal, timeoutMs, only, messages })
}

import { newRequestId, type Until } from '@veilcast/shared/protocol'
import { computeTxId, familyOf, formatTxId } from './computeTxId.ts'
import { converse, type Line } from './converse.ts'
import { follow } from './follow.ts'
import { bytesToHex } from './hex.ts'
import type { Bookkeeper } from './journal/bookkeeper.ts'
import { closeAfter, keepStages } from './journal/keepOutcome.ts'
import type { Ended } from './journal/Submission.ts'
import { parseJournaling, parseProgress, parseSubmit, parseWait, type WaitOptions } from './parseArguments.ts'
import type { Progress, Receipt } from './receipt.ts'

export interface SubmitParameters {
  /** CAIP-2, as in `eip155:1` or `cosmos:cosmoshub-4`. */
  readonly chain: string
  /** EVM: the serialised transaction (type 3 with its sidecars). Cosmos: TxRaw. Bytes, or hex with or without 0x. */
  readonly signedTx: Uint8Array | string
  /** How far to wait. Default `included`. `final` is a matter of minutes on some chains: mind `timeoutMs`. */
  readonly until?: Until | undefined
  /** Nothing is broadcast after it: a Date, or seconds since 1970, at most 24 hours ahead. Default in 10 minutes. */
  readonly notAfter?: Date | number | undefined
  /** Hear each stage up to `until`, at the cost of a SURB each. Default false: `accepted` and the last one. */
  readonly everyStage?: boolean | undefined
}

export interface FollowingOptions extends WaitOptions {
  /** Told before each message leaves, and at each stage. What it throws is logged. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface SubmitOptions extends FollowingOptions {
  /** False: not written in the client's journal, as where that is full. Default true, where there is one. */
  readonly journal?: boolean | undefined
  /**
   * With a journal: told what became of it. Its entry in the journal is removed only after this has returned, or what it returned has resolved:
   * where it throws, or the process ends before, `resume` tells it again.
   */
  readonly onEnded?: ((ended: Ended) => void | Promise<void>) | undefined
}

export async function submit(
  line: Line,
  parameters: SubmitParameters,
  options: SubmitOptions,
  bookkeeper?: Bookkeeper,
): Promise<Receipt> {
  const { chain, signedTx, until, notAfter, everyStage } = parseSubmit(parameters, line.now())
  const { signal, timeoutMs } = parseWait(options)
  const txId = computeTxId(chain, signedTx)
  const tell = parseProgress(options, line.warn)
  const onProgress = (progress: Progress) => {
    line.chainMoves(chain)
    tell(progress)
  }
  const { journal: isJournaled, onEnded } = parseJournaling(options)
  const messages = { sent: 0, received: 0, surbs: 0, packetsUp: 0 }
  const submission = {
    id: bytesToHex(newRequestId()),
    chain,
    txId: formatTxId(familyOf(chain), txId),
    until,
    notAfter,
    madeAtMs: Math.floor(line.now()),
    stage: undefined,
  }
  const kept = isJournaled
    ? bookkeeper?.keep({ version: 1, ...submission, signedTx: bytesToHex(signedTx), everyStage })
    : undefined
  const talk = follow({
    followed: {
      kind: 'submit',
      submit: { kind: 'submit', until, everyStage, notAfter, chain, signedTx },
      txId,
    },
    chain,
    family: familyOf(chain),
    until,
    everyStage,
    broadcasters: line.broadcasters.length,
    messages,
    now: line.now,
    onProgress: kept ? keepStages(kept, onProgress) : onProgress,
    noteDown: kept && ((broadcaster, id) => kept.noteDown(line.broadcasters[broadcaster] as string, id)),
  })
  const receipt = converse(line, talk, { signal, timeoutMs, messages })
  if (kept) {
    closeAfter(kept, receipt, {
      tell: onEnded && ((outcome) => onEnded({ ...submission, ...outcome })),
      warn: line.warn,
    })
  }
  return receipt
}

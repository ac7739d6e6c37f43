import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { familyOf } from '../computeTxId.ts'
import { converse, type Line } from '../converse.ts'
import { follow } from '../follow.ts'
import { parseProgress, parseResume, parseWait } from '../parseArguments.ts'
import type { Progress, Receipt } from '../receipt.ts'
import type { FollowingOptions } from '../submit.ts'
import type { Bookkeeper, KeptEntry } from './bookkeeper.ts'
import { closeAfter, keepStages } from './keepOutcome.ts'
import type { ReadEntry } from './readEntry.ts'
import type { Ended, Submission } from './Submission.ts'

export interface ResumeOptions extends FollowingOptions {
  /**
   * Told what became of each, one call for each. Its entry is removed only after it has returned, or what it returned has
   * resolved: where it throws, or the process ends before, it is told again by the next `resume`.
   */
  readonly onResumed?: ((ended: Ended) => void | Promise<void>) | undefined
}

/** A submission that is followed again. */
export interface Unfinished extends Submission {
  /** Resolves and rejects as `submit` would have. It need not be handled. */
  readonly receipt: Promise<Receipt>
  /** Takes it out of the journal, whatever becomes of it. @throws VeilcastError `journalUnavailable` */
  forget(): Promise<void>
}

/** So many are followed at once; the others wait for their turn, and so does their `timeoutMs`. */
const maxResumedAtOnce = 16
/** A week after its notAfter an entry is asked for once more, and removed: nobody remembers it. */
const maxSecondsAfterNotAfter = 604_800

/** Asks for each entry of the journal, and follows it to its `until`. */
export async function resume(
  line: Line,
  options: ResumeOptions,
  { bookkeeper, isRunning }: { bookkeeper: Bookkeeper | undefined; isRunning: () => boolean },
): Promise<readonly Unfinished[]> {
  const { signal, timeoutMs } = parseWait(options)
  const onProgress = parseProgress(options, line.warn)
  const { onResumed } = parseResume(options)
  if (!bookkeeper) {
    throw new VeilcastError('invalidArgument', { details: 'journal: createClient was given none.' })
  }
  const { unfinished, skipped } = await takeUpInTime(bookkeeper, { signal, timeoutMs })
  if (skipped > 0) line.warn('The journal holds what is no entry of this version.', { entries: skipped })
  const inTurn = takeTurns(maxResumedAtOnce)

  return unfinished.map(({ kept, ...read }): Unfinished => {
    const { id, chain, txId, until, notAfter, madeAtMs, stage } = read.entry
    const submission = { id, chain, txId, until, notAfter, madeAtMs, stage }
    const receipt = inTurn(() => {
      // While it waited for its turn.
      if (!isRunning()) throw new VeilcastError('clientStopped')
      return followAgain(line, read, kept, { signal, timeoutMs, onProgress })
    })
    closeAfter(kept, receipt, {
      tell: onResumed && ((outcome) => onResumed({ ...submission, ...outcome })),
      isForgotten: () => line.now() > (notAfter + maxSecondsAfterNotAfter) * 1000,
      warn: line.warn,
    })
    return { ...submission, receipt, forget: kept.forget }
  })
}

async function followAgain(
  line: Line,
  { entry, chain, signedTx, txId, submits }: ReadEntry,
  kept: KeptEntry,
  { onProgress, ...wait }: Required<Pick<FollowingOptions, 'signal' | 'onProgress'>> & { timeoutMs: number },
): Promise<Receipt> {
  const { until, everyStage, notAfter, stage } = entry
  // Only who is in the caller's list is asked: an address in a file is no reason to talk to anybody.
  const known = [...submits].flatMap(([address, submitId]) => {
    const index = (line.broadcasters as readonly string[]).indexOf(address)
    return index < 0 ? [] : [[index, submitId] as const]
  })
  if (known.length === 0 && line.now() >= notAfter * 1000) {
    throw new VeilcastError('unknownRequest', {
      details: 'None of the broadcasters that it went to is among those of the client.',
    })
  }
  const messages = { sent: 0, received: 0, surbs: 0, packetsUp: 0 }
  const hear = (progress: Progress) => {
    line.chainMoves(chain)
    onProgress?.(progress)
  }
  const talk = follow({
    followed: {
      kind: 'submit',
      submit: { kind: 'submit', until, everyStage, notAfter, chain, signedTx },
      txId,
    },
    known: {
      submits: new Map(known),
      mayBeElsewhere: known.length < submits.size || (stage !== undefined && stage !== 'accepted'),
      stage,
    },
    noteDown: (broadcaster, id) => kept.noteDown(line.broadcasters[broadcaster] as string, id),
    chain,
    family: familyOf(chain),
    until,
    everyStage,
    broadcasters: line.broadcasters.length,
    messages,
    now: line.now,
    onProgress: keepStages(kept, hear),
  })
  try {
    return await converse(line, talk, { ...wait, first: known.at(-1)?.[0], messages })
  } catch (error) {
    // It was said of this question. The transaction left long ago.
    if (findVeilcastError(error)?.errorName !== 'tooManyPending') throw error
    throw new VeilcastError('tooManyPending', {
      outcome: 'unknown',
      values: findVeilcastError(error)?.values ?? {},
      cause: error,
    })
  }
}

/** Runs at most so many at once, in the order in which they came. */
function takeTurns(maxAtOnce: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return async <T>(act: () => Promise<T>): Promise<T> => {
    if (running >= maxAtOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await act()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}

async function takeUpInTime(
  bookkeeper: Bookkeeper,
  { signal, timeoutMs }: { signal: AbortSignal | undefined; timeoutMs: number },
): ReturnType<Bookkeeper['takeUp']> {
  const leaving = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const abort = () => reject(new VeilcastError('aborted'))
    timer = setTimeout(
      () =>
        reject(
          new VeilcastError('journalUnavailable', {
            outcome: 'unknown',
            details: 'It did not answer in time.',
          }),
        ),
      timeoutMs,
    )
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { signal: leaving.signal })
  })
  const takingUp = bookkeeper.takeUp()
  try {
    return await Promise.race([takingUp, tooLate])
  } catch (error) {
    // Nobody waits for them any more: the next one may take them up.
    takingUp.then(
      ({ unfinished }) => {
        for (const { kept } of unfinished) kept.close('open')
      },
      () => undefined,
    )
    throw error
  } finally {
    clearTimeout(timer)
    leaving.abort()
  }
}

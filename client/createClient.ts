import { VeilcastError } from '@veilcast/shared/errors'
import { type MixnetDialer, MixnetError } from '@veilcast/shared/mixnet'
import type { Line, Timing } from './converse.ts'
import { type BroadcasterInfo, type InfoParameters, info } from './info.ts'
import { createBookkeeper } from './journal/bookkeeper.ts'
import type { Journal } from './journal/Journal.ts'
import { type ResumeOptions, resume, type Unfinished } from './journal/resume.ts'
import { type Logger, parseClient, type WaitOptions } from './parseArguments.ts'
import { createPending, type IgnoredReplies } from './pending.ts'
import { type ReadParameters, read } from './read.ts'
import { createReads, type Head, type ReadCounters } from './reads/createReads.ts'
import type { Receipt } from './receipt.ts'
import { measureRoundTrip } from './roundTrip.ts'
import { type StatusParameters, status } from './status.ts'
import { type FollowingOptions, type SubmitOptions, type SubmitParameters, submit } from './submit.ts'

export interface ClientOptions {
  /** The only way out. The client starts and stops it. */
  readonly mixnet: MixnetDialer
  /** Nym addresses, 1 to 32, in the order in which they are asked. */
  readonly broadcasters: readonly string[]
  /** Default: silent. */
  readonly logger?: Logger | undefined
  /** Uniform in [0, 1), for jitter only. Default Math.random. */
  readonly random?: (() => number) | undefined
  /** Milliseconds since 1970, for `notAfter`. Default Date.now. */
  readonly now?: (() => number) | undefined
  /** Submissions in flight are written there before they leave, so that `resume` finds them. Default: none. */
  readonly journal?: Journal | undefined
  /** When to ask again. */
  readonly timing?: Partial<Timing> | undefined
}

export interface VeilcastClient {
  /**
   * Connects the mixnet. Idempotent; may be called again after a failure or a stop.
   * @throws VeilcastError `mixnetUnavailable`, `abortedBeforeSending`
   */
  start(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** Ends every wait with `clientStopped` and the mixnet with it. Idempotent. */
  stop(): Promise<void>
  /**
   * Sends a signed transaction and resolves once it is where `until` says. One that is on chain and reverted, or failed in
   * delivery, is included all the same: it resolves, with `ok: false`.
   *
   * Rejects with a VeilcastError. Its `outcome` says whether the transaction may still land: only after `notSent` is it safe
   * to sign another one with the same nonce. After `unknown` submit the same bytes again, or ask for the status.
   * @throws VeilcastError of the broadcaster's (refused, replaced, lapsed, rejected by an endpoint), or `invalidArgument`,
   * `malformedTransaction`, `replyTimeout`, `aborted`, `abortedBeforeSending`, `mixnetUnavailable`, `clientStopped`,
   * `tooManyPending`, `notStarted`, `journalUnavailable`
   */
  submit(parameters: SubmitParameters, options?: SubmitOptions): Promise<Receipt>
  /**
   * What the journal holds from before the wallet was reloaded, or crashed, or gave up waiting: each is asked for and followed
   * again, with the same bytes, to its `until`; `timeoutMs` is for each. What this client, or another page, follows already is
   * not among them. An entry is removed once its outcome is told, and stays where that is `unknown`.
   * @throws VeilcastError `journalUnavailable`, `aborted`, `invalidArgument`, `notStarted`
   */
  resume(options?: ResumeOptions): Promise<readonly Unfinished[]>
  /**
   * What became of an earlier submit: resolves and rejects as that one would have.
   * @throws VeilcastError as `submit`, and `unknownRequest`
   */
  status(parameters: StatusParameters, options?: FollowingOptions): Promise<Receipt>
  /** What a broadcaster serves. @throws VeilcastError */
  info(parameters?: InfoParameters, options?: WaitOptions): Promise<BroadcasterInfo>
  /**
   * An allow-listed read of a chain; its JSON result. Reads of a chain that are made together travel together (up to 32 in
   * one message), equal ones are asked once, and an answer is given again until the next block is due: but what is asked
   * of `pending` never, and nothing from before a submit on that chain or before a change of its state. It is hearsay:
   * nothing here proves it.
   *
   * @example
   * const [balance, price] = await Promise.all([
   *   client.read({ chain: 'eip155:1', method: 'eth_getBalance', params: [address, 'latest'] }),
   *   client.read({ chain: 'eip155:1', method: 'eth_gasPrice' }),
   * ])
   *
   * @throws VeilcastError `callReverted` (with `data`), `methodNotAllowed`, `invalidParams`, `readFailed`, `answerTooLarge`,
   * `chainNotServed`, `noLiveEndpoint`, or of the client's own as `submit`; its outcome is `notSent`
   */
  read(parameters: ReadParameters, options?: WaitOptions): Promise<unknown>
  /** The newest block as the last answer told, and until when the next one is not due. Asks nobody. */
  head(chain: string): Head | undefined
  /** What reads have cost, since the client was made. */
  readonly reads: ReadCounters
  /** Replies that were not believed, since the client was made. */
  readonly ignored: IgnoredReplies
}

const maxPendingRequests = 1024

/**
 * A wallet's end of Veilcast. Nothing leaves it but through `mixnet`.
 *
 * @example
 * import { createClient } from '@veilcast/client'
 * import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
 *
 * const client = createClient({
 *   mixnet: createNymWasmDialer({ nymApiUrl: 'https://validator.nymtech.net/api' }),
 *   broadcasters: ['<identity>.<encryption key>@<gateway>'],
 * })
 * await client.start()
 * const receipt = await client.submit({ chain: 'eip155:1', signedTx: '0x02f8...' })
 * console.log(receipt.txId, receipt.stage, receipt.ok)
 * await client.stop()
 *
 * @throws VeilcastError `invalidArgument`
 */
export function createClient(options: ClientOptions): VeilcastClient {
  const {
    mixnet,
    broadcasters,
    logger,
    random = Math.random,
    now = Date.now,
    timing,
    journal,
  } = parseClient(options)
  const pending = createPending(maxPendingRequests)
  const line: Line = {
    mixnet,
    broadcasters,
    pending,
    roundTrip: measureRoundTrip(),
    timing,
    random,
    now,
    chainMoves: (chain) => reads.forget(chain),
    warn: (message, fields) => logger?.warn(message, fields),
  }
  const bookkeeper = journal && createBookkeeper(journal, line.warn)
  const reads = createReads(line)
  let life: Life | undefined

  const begin = async (mine: Life, signal: AbortSignal | undefined) => {
    try {
      await mixnet.start(signal ? { signal } : {})
    } catch (error) {
      if (life !== mine) throw new VeilcastError('clientStopped', { outcome: 'notSent', cause: error })
      life = undefined
      if (signal?.aborted) throw new VeilcastError('abortedBeforeSending', { cause: error })
      throw new VeilcastError('mixnetUnavailable', {
        ...(error instanceof MixnetError ? { details: error.message } : {}),
        cause: error,
      })
    }
    if (life !== mine) throw new VeilcastError('clientStopped', { outcome: 'notSent' })
    mine.unsubscribe = mixnet.onRestart?.(pending.repeatAll)
    mine.running = true
    mine.listening = listen()
  }

  const listen = async () => {
    try {
      for await (const bytes of mixnet.replies()) pending.deliver(bytes)
    } catch {
      line.warn('The transport stopped giving replies.')
    }
  }

  const whileRunning = <T>(act: () => Promise<T>): Promise<T> =>
    life?.running ? act() : Promise.reject(new VeilcastError('notStarted'))

  return {
    start({ signal } = {}) {
      if (!life) {
        const mine: Life = { running: false, started: Promise.resolve() }
        life = mine
        mine.started = begin(mine, signal)
      }
      return life.started
    },

    async stop() {
      const ending = life
      life = undefined
      pending.stopAll()
      reads.stop()
      ending?.unsubscribe?.()
      await mixnet.stop()
      await ending?.started.catch(() => undefined)
      await ending?.listening
      await bookkeeper?.settle()
    },

    submit: (parameters, options = {}) => whileRunning(() => submit(line, parameters, options, bookkeeper)),
    resume: (options = {}) =>
      whileRunning(() => resume(line, options, { bookkeeper, isRunning: () => life?.running === true })),
    status: (parameters, options = {}) => whileRunning(() => status(line, parameters, options)),
    info: (parameters = {}, options = {}) => whileRunning(() => info(line, parameters, options)),
    read: (parameters, options = {}) => whileRunning(() => read(reads, parameters, options)),
    head: reads.head,
    reads: reads.counters,
    ignored: pending.ignored,
  }
}

/** From a start to its stop. */
interface Life {
  running: boolean
  started: Promise<void>
  listening?: Promise<void>
  unsubscribe?: (() => void) | undefined
}

import { type ErrorName, findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import type { ChainId } from '@veilcast/shared/protocol'
import { computeTxId, formatTxId } from '../computeTxId.ts'
import type { VeilcastClient } from '../createClient.ts'
import type { Receipt } from '../receipt.ts'

/** A transaction that went out through this node, as far as is known. */
export interface OwnTransaction {
  /** SHA-256 of TxRaw, upper case. */
  readonly hash: string
  /**
   * Each resolves at its stage or a later one, and rejects with the VeilcastError that ended it before. A broadcaster says
   * `submitted` when it shows the transaction to an endpoint, before that one has checked it: `submitted` waits for a refusal.
   */
  readonly accepted: Promise<undefined>
  readonly submitted: Promise<undefined>
  readonly included: Promise<Receipt>
  readonly phase: 'open' | 'included' | 'ended'
  /** What ended it. */
  readonly error: VeilcastError | undefined
  /** How somebody asked for its result while there was none. */
  awaitedAs: ResultForm | undefined
  /** What the chain said of it. */
  readonly kept: { [form in ResultForm]?: unknown }
  /** Look-ups under way. */
  readonly looking: { [form in ResultForm]?: Promise<unknown> }
}

/** As CometBFT writes a transaction's result, and as the SDK's REST API does. */
export type ResultForm = 'comet' | 'rest'

export interface OwnTransactions {
  /**
   * Sends the bytes, once however often it is called.
   * @throws VeilcastError `tooManyPending`
   */
  send(signedTx: Uint8Array): OwnTransaction
  find(hash: string): OwnTransaction | undefined
}

/** The oldest that has ended makes room. */
const maxTransactions = 128
/** Beyond the 10 minutes after which a broadcaster says that a transaction lapsed. */
const followMs = 660_000

/** The wait ended, and not the transaction: whoever asks for it is answered by the chain. */
const endsTheWaitOnly: readonly ErrorName[] = ['replyTimeout', 'aborted', 'clientStopped', 'unknownRequest']

/** @param heard called before each send, and at whatever is heard of it: what was read of the chain is old then */
export function followOwnTransactions(
  client: Pick<VeilcastClient, 'submit'>,
  { chain, checkTxMs }: { readonly chain: ChainId; readonly checkTxMs: number },
  heard: (own: OwnTransaction | undefined) => void,
): OwnTransactions {
  const byHash = new Map<string, Following>()

  const makeRoom = () => {
    if (byHash.size < maxTransactions) return
    for (const [hash, { phase }] of byHash) {
      if (phase !== 'open') {
        byHash.delete(hash)
        return
      }
    }
    throw new VeilcastError('tooManyPending', { values: { limit: maxTransactions } })
  }

  const follow = (hash: string, signedTx: Uint8Array): Following => {
    const accepted = settledLater<undefined>()
    const submitted = settledLater<undefined>()
    const included = settledLater<Receipt>()
    let checking: ReturnType<typeof setTimeout> | undefined
    const own: Following = {
      hash,
      accepted: accepted.promise,
      submitted: submitted.promise,
      included: included.promise,
      phase: 'open',
      error: undefined,
      awaitedAs: undefined,
      kept: {},
      looking: {},
    }
    client
      .submit(
        { chain, signedTx, until: 'included', everyStage: true },
        {
          timeoutMs: followMs,
          onProgress({ state }) {
            if (!state) return
            heard(undefined)
            if (state.stage === 'accepted') accepted.resolve(undefined)
            if (state.stage === 'submitted' && !state.rejection) {
              accepted.resolve(undefined)
              checking ??= setTimeout(() => submitted.resolve(undefined), checkTxMs)
            }
          },
        },
      )
      .then(
        (receipt) => {
          clearTimeout(checking)
          own.phase = 'included'
          accepted.resolve(undefined)
          submitted.resolve(undefined)
          included.resolve(receipt)
          heard(own)
        },
        (error: unknown) => {
          const ended = findVeilcastError(error) ?? new VeilcastError('internal', { cause: error })
          clearTimeout(checking)
          own.phase = 'ended'
          own.error = ended
          if (endsTheWaitOnly.includes(ended.errorName) && byHash.get(hash) === own) byHash.delete(hash)
          for (const { reject } of [accepted, submitted, included]) reject(ended)
          heard(own)
        },
      )
    return own
  }

  return {
    send(signedTx) {
      const hash = formatTxId('cosmos', computeTxId(chain, signedTx))
      const known = byHash.get(hash)
      if (known && known.phase !== 'ended') return known
      byHash.delete(hash)
      makeRoom()
      heard(undefined)
      const own = follow(hash, signedTx)
      byHash.set(hash, own)
      return own
    },
    find: (hash) => byHash.get(hash),
  }
}

type Following = { -readonly [field in keyof OwnTransaction]: OwnTransaction[field] }

interface SettledLater<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: VeilcastError): void
}

/** A rejection that nobody waits for is no fault of the process. */
function settledLater<T>(): SettledLater<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: VeilcastError) => void = () => undefined
  const promise = new Promise<T>((fulfil, fail) => {
    resolve = fulfil
    reject = fail
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

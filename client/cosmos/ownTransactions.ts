import { type ErrorName, findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import type { ChainId } from '@veilcast/shared/protocol'
import { computeTxId, formatTxId } from '../computeTxId.ts'
import type { VeilcastClient } from '../createClient.ts'
import type { Receipt } from '../receipt.ts'
import { readSigner, type Signer } from './readSigner.ts'

/** A transaction that went out from here, as far as is known. */
export interface OwnTransaction {
  /** SHA-256 of TxRaw, upper case. */
  readonly hash: string
  /** Undefined where no single key's sequence is used. */
  readonly signer: Signer | undefined
  /** Each resolves at its stage or a later one, and rejects with the VeilcastError that ended it before. */
  readonly accepted: Promise<undefined>
  readonly submitted: Promise<undefined>
  readonly included: Promise<Receipt>
  readonly phase: 'open' | 'included' | 'ended'
  /** A broadcaster has it. */
  readonly isTaken: boolean
  /** Of the block that it is in. */
  readonly height: bigint | undefined
  /** What ended it. */
  readonly error: VeilcastError | undefined
  /** Set by who asked for its result while there was none, and is about to ask again. */
  onIncluded: (() => void) | undefined
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
  all(): Iterable<OwnTransaction>
  /** Another number after each send, and after whatever is heard of one: what was read of the chain before is old then. */
  epoch(): number
}

/** The oldest that has ended makes room. */
const maxTransactions = 128
/** Beyond the 10 minutes after which a broadcaster says that a transaction lapsed. */
const followMs = 660_000

/** The wait ended, and not the transaction: whoever asks for it is answered by the chain. */
const endsTheWaitOnly: readonly ErrorName[] = ['replyTimeout', 'aborted', 'clientStopped', 'unknownRequest']

const known = new WeakMap<object, Map<string, OwnTransactions>>()

/** Nodes over one client know of each other's: a wallet may send with one and ask another. */
export function ownTransactionsOf(client: Submitter, chain: ChainId): OwnTransactions {
  const chains = known.get(client) ?? new Map<string, OwnTransactions>()
  known.set(client, chains)
  const own = chains.get(chain) ?? followOwnTransactions(client, chain)
  chains.set(chain, own)
  return own
}

type Submitter = Pick<VeilcastClient, 'submit'>

function followOwnTransactions(client: Submitter, chain: ChainId): OwnTransactions {
  const byHash = new Map<string, Following>()
  let epoch = 0

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
    const own: Following = {
      hash,
      signer: readSigner(signedTx),
      accepted: accepted.promise,
      submitted: submitted.promise,
      included: included.promise,
      phase: 'open',
      isTaken: false,
      height: undefined,
      error: undefined,
      onIncluded: undefined,
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
            epoch += 1
            if (state.stage !== 'accepted' && (state.stage !== 'submitted' || state.rejection)) return
            own.isTaken = true
            accepted.resolve(undefined)
            if (state.stage === 'submitted') submitted.resolve(undefined)
          },
        },
      )
      .then(
        (receipt) => {
          epoch += 1
          own.phase = 'included'
          if ('inclusion' in receipt.state) own.height = receipt.state.inclusion.height
          accepted.resolve(undefined)
          submitted.resolve(undefined)
          included.resolve(receipt)
          own.onIncluded?.()
        },
        (error: unknown) => {
          epoch += 1
          const ended = findVeilcastError(error) ?? new VeilcastError('internal', { cause: error })
          own.phase = 'ended'
          own.error = ended
          if (endsTheWaitOnly.includes(ended.errorName) && byHash.get(hash) === own) byHash.delete(hash)
          for (const { reject } of [accepted, submitted, included]) reject(ended)
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
      epoch += 1
      const own = follow(hash, signedTx)
      byHash.set(hash, own)
      return own
    },
    find: (hash) => byHash.get(hash),
    all: () => byHash.values(),
    epoch: () => epoch,
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

import type { WireError } from '@veilcast/shared/errors'
import type { ChainId, FinalityRule, Inclusion, ReadAnswers, TxId } from '@veilcast/shared/protocol'

/**
 * Everything that the broadcaster knows about one chain. Two families implement it and pass one contract suite.
 *
 * Whatever comes from an endpoint is hostile and may hold its URL, its key or the user's bytes: an adapter returns
 * classified values, and throws nothing but ChainUnavailable (and AbortError).
 */
export interface ChainAdapter {
  readonly chain: ChainId
  readonly family: 'evm' | 'cosmos'
  readonly finality: { readonly rule: FinalityRule; readonly confirmations: number }
  readonly maxTransactionBytes: number
  /** Of what an endpoint may send for one block, with all that belongs to it. */
  readonly maxBlockBytes: number
  /** Operators whose endpoints are configured. */
  readonly operators: number
  /** Starts watching the endpoints' health. Resolves once each was asked for the first time, live or not: seconds at most. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Whether an endpoint is live: it answered lately, on the right chain, and is not far behind. */
  live(): boolean

  /**
   * Parses hostile bytes and checks all that needs no node: canonical encoding, chain id and signature where the chain puts
   * them into the transaction, size. Pure.
   * @throws TransactionRefused
   */
  inspect(signedTx: Uint8Array): InspectedTx

  /**
   * What the chain's state says before the bytes are shown to any node: asks by account only, never hands over bytes or hash.
   * `refused` and `used` are the word of two operators, where two have a live endpoint. What was read a moment ago may
   * be taken for `ready` and `early`.
   */
  preflight(tx: InspectedTx, options?: WaitOptions): Promise<Preflight>

  /**
   * Ids of the endpoints to hand a transaction to: those of `sticky` where they are live, else at random, none of `avoid`; as many
   * operators' as the chain's configuration says, fewer where no more are live.
   */
  pickEndpoints(options?: {
    readonly sticky?: readonly string[]
    readonly avoid?: ReadonlySet<string>
  }): readonly string[]

  /** Hands the bytes to one endpoint. Whatever comes back, the endpoint has to be taken to have had them. */
  submit(endpoint: string, tx: InspectedTx, options?: WaitOptions): Promise<Handed>

  /** The newest block, asked at a live endpoint. @throws ChainUnavailable */
  head(options?: WaitOptions): Promise<Head>
  /** A whole block with what became of its transactions. Null where the endpoint does not have it (yet). @throws ChainUnavailable */
  readBlock(height: bigint, options?: WaitOptions): Promise<ChainBlock | null>
  /**
   * Which of these transactions of a block another endpoint tells the same of: hash, place and outcome. Another operator's where one is
   * live; all of them where there is no other, or none gives a usable answer. Who contradicts two is set aside as a liar.
   */
  witness(block: ChainBlock, txIds: readonly TxId[], options?: WaitOptions): Promise<Witness>
  /**
   * Whether another endpoint than `than`, chosen as by `witness`, has this block and calls it final. True where there is no other, or
   * none gives a usable answer, and where each block is final.
   */
  isFinalElsewhere(
    than: string,
    block: { readonly height: bigint; readonly hash: string },
    options?: WaitOptions,
  ): Promise<boolean>
  /** The chain's block of this height by hash alone, in few bytes. Null where the endpoint does not have it (yet). @throws ChainUnavailable */
  blockHash(height: bigint, options?: WaitOptions): Promise<string | null>
  /**
   * Receipt look-up for one transaction, for catching up after a gap. What one operator has found counts only where a second
   * one, if two have a live endpoint, has found it too.
   * @throws ChainUnavailable; NotAgreed where two operators do not agree
   */
  find(txId: TxId, options?: FindOptions): Promise<FoundTx | null>
  /**
   * Whether the transaction's nonce or sequence was used by the state after the block `height`, and not by itself; at an
   * endpoint each of two operators where two are configured, who have to agree. `open` too where the account cannot be read.
   * @throws ChainUnavailable; NotAgreed where only one of two operators answers
   */
  slotUse(tx: InspectedTx, height: bigint | 'latest', options?: WaitOptions): Promise<SlotUse>
  /** Which transaction used it, where that is found within a bounded number of calls. @throws ChainUnavailable */
  findReplacing(tx: InspectedTx, height: bigint, options?: WaitOptions): Promise<Replacing | null>
  /** The next nonce or sequence by the chain's newest state; null where the account is not known. @throws ChainUnavailable */
  nextSequence(account: Uint8Array, options?: WaitOptions): Promise<bigint | null>
  /** What the contract gave when it reverted, at most 256 bytes; empty where there is nothing to know. Never throws but on abort. */
  revertData(tx: InspectedTx, inclusion: Inclusion, options?: WaitOptions): Promise<Uint8Array>

  /**
   * Allow-listed reads that were asked together, of one newest block and as far as it goes at one endpoint. Each has its own answer,
   * in their order; where `signal` aborts, what is not answered yet has failed. Throws nothing that an endpoint can bring about.
   */
  query(reads: readonly AskedRead[], options?: WaitOptions): Promise<QueryAnswers>

  /** For the status page and `check`: no URL, the operator's own id of each endpoint. */
  endpoints(): readonly EndpointHealth[]
  /** Called after each request to an endpoint, probes too, for as long as the adapter lives. */
  onAnswer(listener: OnAnswer): void
}

export interface WaitOptions {
  readonly signal?: AbortSignal
}

export interface AskedRead {
  readonly method: string
  readonly params: unknown
}

export interface QueryAnswers extends ReadAnswers {
  /** Where the answers are from. */
  readonly counts: {
    readonly refused: number
    /** Known without a node. */
    readonly here: number
    /** Asked by somebody before, since the newest block came. */
    readonly cached: number
    /** Being asked by somebody already. */
    readonly shared: number
    readonly node: number
  }
}

export interface FindOptions extends WaitOptions {
  /** Null is the word of two operators, where two have a live endpoint. Default false: of one. */
  readonly thorough?: boolean
  /** The endpoints that were handed the transaction: they, and others of their operators, are asked last. */
  readonly handedTo?: readonly string[] | undefined
}

export interface InspectedTx {
  readonly txId: TxId
  readonly signedTx: Uint8Array
  /** Bytes that name the signing account (EVM: its 20-byte address; Cosmos: its public key); undefined where order does not matter or is not known. */
  readonly account: Uint8Array | undefined
  /** Nonce or sequence, with `account`. */
  readonly sequence: bigint | undefined
  /**
   * Who says that `account` signed: the bytes themselves (`proven`), `preflight` once it has read the account (`provable`),
   * or nobody before a node is shown them (`claimed`).
   */
  readonly signer: 'proven' | 'provable' | 'claimed'
  /** Parsed form, for the adapter that made it. */
  readonly parsed: unknown
}

export type Preflight =
  /** `unproven`: of a `provable` signer, and the account is of a kind that does not tell. */
  | { readonly kind: 'ready'; readonly unproven?: true }
  | { readonly kind: 'refused'; readonly error: WireError }
  /** The chain expects an earlier sequence: hold it (Cosmos only; an EVM node takes gaps). */
  | { readonly kind: 'early'; readonly expected: bigint }
  /** The sequence is used on chain: look this very hash up before anything is said. */
  | { readonly kind: 'used'; readonly expected: bigint }
  | { readonly kind: 'unavailable' }

export type Handed =
  /** Taken, or known already, and the hash it gave is ours. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'early'; readonly expected: bigint }
  | { readonly kind: 'used'; readonly expected: bigint | undefined }
  /** Refused by this node for now or for good; it may have been passed on. */
  | { readonly kind: 'rejected'; readonly error: WireError }
  /** No answer, an answer that is none, another chain, another hash: try the next endpoint. */
  | { readonly kind: 'unavailable' }

/** `landed`: this very transaction is on chain; `used`: another has its nonce or sequence; `open`: nobody has. */
export type SlotUse = 'landed' | 'used' | 'open'

export interface Replacing {
  readonly txId: TxId
  readonly height: bigint
}

export interface Head {
  /** Id of the endpoint that told what is final. */
  readonly from: string
  readonly height: bigint
  readonly hash: string
  /** Undefined where blocks are never reorganised. */
  readonly parentHash?: string
  /** Chain's own time, milliseconds since 1970. */
  readonly timeMs: number
  /** Highest block that is final by the chain's rule, at most `height`. */
  readonly finalHeight: bigint
}

export interface ChainBlock {
  /** Id of the endpoint that told it. */
  readonly from: string
  readonly height: bigint
  /** Hex without 0x, lower case. */
  readonly hash: string
  readonly parentHash: string
  readonly timeMs: number
  readonly transactions: readonly BlockTx[]
}

export interface BlockTx {
  readonly txId: TxId
  /** As `InspectedTx.account`, where the block tells it. */
  readonly account: Uint8Array | undefined
  readonly sequence: bigint | undefined
  /** Without revert data. */
  readonly inclusion: Inclusion
}

export type Witness =
  | { readonly kind: 'told'; readonly txIds: readonly TxId[] }
  /** Read the block again: no other endpoint has it (yet). */
  | { readonly kind: 'notYet' }
  /** Read the block again: no other endpoint has it, and these have another in its place. One is on a fork, or lies. */
  | { readonly kind: 'otherBlock'; readonly endpoints: readonly string[] }
  /** Read the block again: two contradict the endpoint that it is from, which was set aside. */
  | { readonly kind: 'lied' }

export interface FoundTx {
  readonly inclusion: Inclusion
  readonly block: { readonly height: bigint; readonly hash: string }
}

export interface EndpointHealth {
  readonly id: string
  readonly operator: string
  /** Whether it is asked: its breaker is not open. */
  readonly live: boolean
  readonly height: bigint
  /** Smoothed answer time of its probes in milliseconds, undefined before the first answer. */
  readonly latencyMs: number | undefined
  /** Why it is not live. */
  readonly trouble: 'none' | 'unreachable' | 'wrongChain' | 'behind' | 'rateLimited' | 'lied'
  /** 0 to 1: the share of its usable answers in the last five minutes, and the lower the slower: half of it at 1 s. */
  readonly score: number
  /** `open`: left alone but for probes; `halfOpen`: a good probe came, and it is asked little until a few questions were answered. */
  readonly breaker: 'closed' | 'open' | 'halfOpen'
  /** Milliseconds since 1970; undefined where it is closed, or was never probed. */
  readonly openedAtMs: number | undefined
  /** Milliseconds since 1970. */
  readonly nextProbeAtMs: number | undefined
  readonly failuresInARow: number
  /** In the last five minutes, probes too. */
  readonly requests: number
  /** Of `requests`, those without a usable answer. */
  readonly failures: number
}

/** @param outcome `answered`, or what the trouble was */
export type OnAnswer = (
  endpoint: string,
  seconds: number,
  outcome: 'answered' | Exclude<EndpointHealth['trouble'], 'none'>,
) => void

/** The transaction is refused, and nobody has been shown it. */
export class TransactionRefused extends Error {
  override readonly name = 'TransactionRefused'
  readonly error: WireError
  constructor(error: WireError) {
    super(`Transaction refused with error ${error.number}.`)
    this.error = error
  }
}

/** A read is not to be asked at all. */
export class ReadRefused extends Error {
  override readonly name = 'ReadRefused'
  readonly error: WireError
  constructor(error: WireError) {
    super(`Read refused with error ${error.number}.`)
    this.error = error
  }
}

/** No endpoint of the chain gave a usable answer. Holds nothing of what an endpoint said. */
export class ChainUnavailable extends Error {
  override readonly name: string = 'ChainUnavailable'
}

/** Two operators do not say the same of one transaction, or only one of them answers: nothing is wrong with others. */
export class NotAgreed extends ChainUnavailable {
  override readonly name = 'NotAgreed'
}

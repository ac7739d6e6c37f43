import type { WireError } from '../errors/wireError.ts'
import {
  boundedBytes,
  fixedBytes,
  flag,
  list,
  oneOf,
  optional,
  restBytes,
  shortText,
  struct,
  u16,
  u32,
  u64,
  u128,
  union,
  whole,
} from './codec.ts'
import { chainId, txId, wireError } from './fields.ts'
import type { ChainId, RequestId, TxId } from './ids.ts'
import { maxChainsInInfo, maxCodespaceBytes, maxMessageBytes, maxRevertDataBytes } from './limits.ts'

/** What a crash of the broadcaster's store can take with it: nothing, nothing while a replica lives, or all of it. */
export type Durability = 'fsync' | 'replicated' | 'memory'

export interface EvmInclusion {
  readonly family: 'evm'
  readonly height: bigint
  readonly blockHash: Uint8Array
  readonly transactionIndex: number
  readonly ok: boolean
  readonly gasUsed: bigint
  /** Wei per gas. */
  readonly effectiveGasPrice: bigint
  /** What the contract gave when it reverted, cut at 256 bytes; empty where it succeeded or gave nothing. */
  readonly revertData: Uint8Array
}

export interface CosmosInclusion {
  readonly family: 'cosmos'
  readonly height: bigint
  readonly blockHash: Uint8Array
  /** 0 is success. */
  readonly code: number
  readonly codespace: string
  readonly gasWanted: bigint
  readonly gasUsed: bigint
}

export type Inclusion = EvmInclusion | CosmosInclusion

/** Where a transaction stands. `accepted` and `submitted` and `included` move on; the others are ends. */
export type TxState =
  | { readonly stage: 'accepted'; readonly durability: Durability }
  /** An endpoint has had it. `rejection` is what the last endpoint said against it; it may land all the same. */
  | { readonly stage: 'submitted'; readonly rejection: WireError | undefined }
  | { readonly stage: 'included'; readonly inclusion: Inclusion }
  | { readonly stage: 'final'; readonly inclusion: Inclusion }
  /** Another transaction used its nonce or sequence, at finality depth. */
  | { readonly stage: 'replaced'; readonly by: TxId; readonly height: bigint }
  /** Our own checks found against it before any endpoint had it: notSent. */
  | { readonly stage: 'refused'; readonly error: WireError }
  /** Its notAfter passed, or its predecessor never came. The error's outcome says whether an endpoint had it. */
  | { readonly stage: 'lapsed'; readonly error: WireError }

export type Stage = TxState['stage']

export interface StateReply {
  readonly kind: 'state'
  readonly txId: TxId
  readonly state: TxState
}

export interface FailureReply {
  readonly kind: 'failure'
  readonly error: WireError
}

/** `confirmations`: blocks on top of the including one; `finalized`: the chain's own tag; `instant`: a block is final. */
export type FinalityRule = 'instant' | 'confirmations' | 'finalized'

export interface ServedChain {
  readonly chain: ChainId
  readonly family: 'evm' | 'cosmos'
  /** Whether an endpoint of it is live now. */
  readonly live: boolean
  readonly finality: FinalityRule
  /** Blocks on top, where the rule is `confirmations`; else 0. */
  readonly confirmations: number
  readonly maxTransactionBytes: number
  /** The highest block the broadcaster has read, 0 before the first. */
  readonly height: bigint
}

export interface InfoReply {
  readonly kind: 'info'
  /** Seconds since 1970. */
  readonly now: number
  readonly maxNotAfterSeconds: number
  /** How long the outcome of a transaction can be asked for after its end. */
  readonly retentionSeconds: number
  readonly durability: Durability
  readonly chains: readonly ServedChain[]
}

/** The answers to the reads of one message. */
export interface ResultsReply {
  readonly kind: 'results'
  readonly packing: Packing
  /** `ReadAnswers`, encoded by readAnswers.ts and packed. */
  readonly answers: Uint8Array
}

/** `deflate`: raw, RFC 1951. */
export type Packing = 'plain' | 'deflate'

export type ReplyBody = StateReply | FailureReply | InfoReply | ResultsReply

export interface Reply {
  readonly id: RequestId
  /** 8 bytes that name one life of the broadcaster's store. After a restore from a backup it is another. */
  readonly incarnation: Uint8Array
  /** Rises with each change of the transaction within an incarnation. 0 where the reply is not about a record. */
  readonly number: number
  readonly body: ReplyBody
}

const durability = oneOf(['fsync', 'replicated', 'memory'])

const inclusion = union<Inclusion, 'family'>('family', {
  evm: [
    0,
    struct({
      height: u64,
      blockHash: fixedBytes(32),
      transactionIndex: u32,
      ok: flag,
      gasUsed: u64,
      effectiveGasPrice: u128,
      revertData: boundedBytes(u16, maxRevertDataBytes),
    }),
  ],
  cosmos: [
    1,
    struct({
      height: u64,
      blockHash: fixedBytes(32),
      code: u32,
      codespace: shortText(maxCodespaceBytes),
      gasWanted: u64,
      gasUsed: u64,
    }),
  ],
})

const stage = union<TxState, 'stage'>('stage', {
  accepted: [1, struct({ durability })],
  submitted: [2, struct({ rejection: optional(wireError) })],
  included: [3, struct({ inclusion })],
  final: [4, struct({ inclusion })],
  replaced: [5, struct({ by: txId, height: u64 })],
  refused: [6, struct({ error: wireError })],
  lapsed: [7, struct({ error: wireError })],
})

/** A state by itself, as a store keeps it. */
export const txState = whole(stage)

const servedChain = struct<ServedChain>({
  chain: chainId,
  family: oneOf(['evm', 'cosmos']),
  live: flag,
  finality: oneOf(['instant', 'confirmations', 'finalized']),
  confirmations: u16,
  maxTransactionBytes: u32,
  height: u64,
})

const chains = list(servedChain, maxChainsInInfo)

/** The kind's number, then its fields. 0x80 to 0xff are replies. */
export const replyBody = union<ReplyBody, 'kind'>('kind', {
  state: [0x81, struct({ txId, state: stage })],
  failure: [0x82, struct({ error: wireError })],
  info: [0x83, struct({ now: u32, maxNotAfterSeconds: u32, retentionSeconds: u32, durability, chains })],
  results: [0x84, struct({ packing: oneOf(['plain', 'deflate']), answers: restBytes(maxMessageBytes) })],
})

export const incarnation = fixedBytes(8)

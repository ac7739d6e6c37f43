import {
  boundedBytes,
  type Coder,
  flag,
  list,
  oneOf,
  restBytes,
  shortText,
  struct,
  u16,
  u32,
  union,
} from './codec.ts'
import { chainId, requestId } from './fields.ts'
import type { ChainId, RequestId } from './ids.ts'
import { maxMethodBytes, maxReadParamsBytes, maxReadsPerMessage, maxTransactionBytes } from './limits.ts'

/** How far the wallet waits. */
export type Until = 'accepted' | 'included' | 'final'
export const untilWords = ['accepted', 'included', 'final'] as const

/** Asks the broadcaster to bring a signed transaction on chain. */
export interface SubmitRequest {
  readonly kind: 'submit'
  readonly until: Until
  /** Hear every stage up to `until`, not just `accepted` and the last. Each one costs a SURB. */
  readonly everyStage: boolean
  /** Seconds since 1970, u32. After it nothing is broadcast. */
  readonly notAfter: number
  readonly chain: ChainId
  /** EVM: the serialised transaction (type 3 in its network form). Cosmos: TxRaw. */
  readonly signedTx: Uint8Array
}

/** Asks what became of an earlier submit, by its request id. */
export interface StatusRequest {
  readonly kind: 'status'
  readonly until: Until
  readonly everyStage: boolean
  readonly submitId: RequestId
}

/** Asks what the broadcaster serves. */
export interface InfoRequest {
  readonly kind: 'info'
}

export interface Read {
  readonly method: string
  /** JSON in UTF-8: an array or an object. */
  readonly params: Uint8Array
}

/** Allow-listed reads of a chain that travel together, 1 to 32. */
export interface ReadRequest {
  readonly kind: 'read'
  readonly chain: ChainId
  readonly reads: readonly Read[]
}

export type RequestBody = SubmitRequest | StatusRequest | InfoRequest | ReadRequest

export interface Request {
  readonly id: RequestId
  /** SURBs that ride along: how many reply packets the broadcaster may answer with. */
  readonly surbs: number
  readonly body: RequestBody
}

const wish = { until: oneOf(untilWords), everyStage: flag }

const read = struct<Read>({
  method: shortText(maxMethodBytes),
  params: boundedBytes(u16, maxReadParamsBytes),
})

const reads = list(read, maxReadsPerMessage, 1)

/** The kind's number, then its fields. 0x00 to 0x7f are requests. */
export const requestBody: Coder<RequestBody> = union<RequestBody, 'kind'>('kind', {
  submit: [
    0x01,
    struct({ ...wish, notAfter: u32, chain: chainId, signedTx: restBytes(maxTransactionBytes) }),
  ],
  status: [0x02, struct({ ...wish, submitId: requestId })],
  info: [0x03, struct({})],
  read: [0x04, struct({ chain: chainId, reads })],
})

/**
 * The ports through which everything of ours touches a mixnet. A wallet dials, a broadcaster listens; the split makes
 * "the browser SDK cannot reply" a compile error instead of a surprise.
 *
 * Delivery is best effort on both ways: a message can be lost, duplicated, delayed and reordered. `send` and `reply`
 * resolve when the transport has taken the message, which says nothing about its arrival.
 */

declare const brand: unique symbol

/** A Nym recipient, `<ed25519 identity>.<x25519 encryption key>@<gateway ed25519 identity>`, each part in base58. */
export type MixnetAddress = string & { readonly [brand]: 'MixnetAddress' }

/**
 * Names whoever sent a request, for replies only. It is a capability: whoever holds it can spend the sender's SURBs. It
 * stays in memory, and out of logs, stores and error texts. A new process of the sender or of the receiver has new tags.
 */
export type SenderTag = string & { readonly [brand]: 'SenderTag' }

export interface WaitOptions {
  /** Aborts the wait. What has already been handed to the mixnet is not taken back. */
  readonly signal?: AbortSignal
}

export interface MixnetDialer {
  /** Resolves once the transport can send. Throws {@link MixnetError} `unreachable`; may be called again after a failure. */
  start(options?: WaitOptions): Promise<void>
  /** Ends every wait and iterator, and every thread, socket and timer. Idempotent. */
  stop(): Promise<void>
  /**
   * Sends `payload` with `surbs` single-use reply blocks attached.
   * An error other than of the signal means that the message was never handed to the mixnet.
   * @param surbs 0 to 50. At 0 nobody can answer.
   * @throws MixnetError `stopped`, `unreachable`, `tooLarge`, `badAddress`, `overloaded` (the send buffer is full)
   */
  send(to: MixnetAddress, payload: Uint8Array, surbs: number, options?: WaitOptions): Promise<void>
  /**
   * What came back over SURBs, in order of arrival. One consumer: a second call throws. Ends at `stop()`. Bounded: while
   * nobody reads, the oldest replies are dropped.
   */
  replies(): AsyncIterable<Uint8Array>
  /**
   * Calls back each time the transport had to begin anew by itself. SURBs sent before that are void, so what is unanswered is
   * worth repeating at once. Returns the way to stop listening.
   */
  onRestart?(hear: () => void): () => void
}

export interface MixnetRequest {
  /** Hostile bytes, bounded by the transport's `maxPayloadBytes`. */
  readonly payload: Uint8Array
  /**
   * Absent when the sender attached nothing to answer on. The browser SDK attaches its tag even then: how many SURBs came is
   * for the payload to say.
   */
  readonly replyTo?: SenderTag
}

export interface MixnetListener {
  start(options?: WaitOptions): Promise<void>
  stop(): Promise<void>
  /** Where dialers send to. Stable over restarts when the transport has an identity file. @throws MixnetError `stopped` before start() */
  address(): MixnetAddress
  /** Requests in order of arrival. One consumer. Ends at `stop()`. Bounded: when full, the newest are dropped. */
  requests(): AsyncIterable<MixnetRequest>
  /**
   * Answers on one of the sender's SURBs per packet of `payload`. Never call it without a SURB known to be left: Nym keeps
   * the surplus and lets it eat the SURB of the sender's next request.
   */
  reply(replyTo: SenderTag, payload: Uint8Array, options?: WaitOptions): Promise<void>
  /** Proof that the mixnet carries: a message to ourselves came back within this time. Undefined before the first one. */
  lastRoundTrip?(): { readonly atMs: number; readonly tookMs: number } | undefined
}

export type MixnetErrorKind =
  | 'stopped'
  | 'unreachable'
  | 'tooLarge'
  | 'badAddress'
  | 'overloaded'
  | 'unsealed'

/** What a transport can say went wrong. Its text never holds payloads, addresses or tags. */
export class MixnetError extends Error {
  override readonly name = 'MixnetError'
  readonly kind: MixnetErrorKind
  constructor(kind: MixnetErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** Largest payload that any transport takes, both ways: a 4844 transaction with six blobs and its envelope fits. */
export const maxPayloadBytes = 1_048_576

/** Most SURBs that one message may carry. */
export const maxSurbsPerMessage = 50

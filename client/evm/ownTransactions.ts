import { VeilcastError } from '@veilcast/shared/errors'
import type { DecodedTransaction } from './decodeTransaction.ts'

/** A transaction that was sent from here, and what is known of it. */
export interface OwnTransaction {
  readonly hash: `0x${string}`
  /** Undefined for a type of a single chain. */
  readonly decoded: DecodedTransaction | undefined
  /**
   * `unfollowed`: the following came to an end without one of the transaction's own; the chain is asked. `ended`: `error`
   * says how, and it is in no block.
   */
  stage: 'sending' | 'submitted' | 'included' | 'unfollowed' | 'ended'
  error: unknown
  /** Resolves once an endpoint has it; rejects with a VeilcastError. */
  readonly submitted: Promise<void>
  /** Resolves once `stage` is one of the last three, or it is superseded. Never rejects. */
  readonly settled: Promise<void>
  /** Another one from here, with the same nonce, is in a block: unless that block is undone, it can never be in one. */
  superseded: VeilcastError | undefined
  readonly supersede: (error: VeilcastError) => void
}

export interface OwnTransactions {
  get(hash: string): OwnTransaction | undefined
  put(transaction: OwnTransaction): void
  /** Tells those that had its nonce that it is in a block. */
  supersedeOthers(included: OwnTransaction, height: bigint | undefined): void
  /** The first nonce above those that transactions of ours hold, for an address in lower case. */
  nextNonce(address: string): bigint | undefined
}

const maxOwnTransactions = 256

export function createOwnTransactions(): OwnTransactions {
  const all = new Map<string, OwnTransaction>()
  return {
    get: (hash) => all.get(hash),
    put(transaction) {
      all.delete(transaction.hash)
      all.set(transaction.hash, transaction)
      if (all.size <= maxOwnTransactions) return
      const oldest = [...all.values()]
      const gone = oldest.find((one) => !isOnItsWay(one)) ?? oldest[0]
      if (gone) all.delete(gone.hash)
    },
    supersedeOthers({ hash, decoded }, height = 0n) {
      for (const other of all.values()) {
        if (other.hash === hash || !decoded || !isOnItsWay(other)) continue
        if (other.decoded?.from !== decoded.from || other.decoded.nonce !== decoded.nonce) continue
        other.supersede(new VeilcastError('replaced', { values: { height }, outcome: 'unknown' }))
      }
    },
    nextNonce(address) {
      let next: bigint | undefined
      for (const { stage, decoded } of all.values()) {
        if (stage === 'ended' || decoded?.from !== address) continue
        if (next === undefined || decoded.nonce >= next) next = decoded.nonce + 1n
      }
      return next
    },
  }
}

export function isOnItsWay({ stage }: OwnTransaction): boolean {
  return stage === 'sending' || stage === 'submitted'
}

import { MixnetError, type WaitOptions } from '../Mixnet.ts'
import type { Outgoing } from './Link.ts'

export interface OutboxLimits {
  readonly maxMessages: number
  readonly maxBytes: number
  /** How long a message waits for a link before `unreachable`. */
  readonly maxWaitMs: number
}

/**
 * What waits for a link. A promise that rejects with a MixnetError belongs to a message that was never handed over; one
 * that was handed over and then lost sight of is handed over again, for a mixnet may duplicate, and must not forget.
 */
export interface Outbox {
  submit(message: Outgoing, options: WaitOptions): Promise<void>
  /** From here on each message, first those that wait, goes to `carry`. */
  open(carry: (message: Outgoing) => Promise<void>): void
  /** From here on messages wait. */
  close(): void
  /** Refuses what waits, as `stopped`, and takes what was handed over as sent. */
  end(): void
}

interface Entry {
  readonly message: Outgoing
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
  handedOver: boolean
}

export function createOutbox({ maxMessages, maxBytes, maxWaitMs }: OutboxLimits): Outbox {
  const entries = new Set<Entry>()
  let bytes = 0
  let carry: ((message: Outgoing) => Promise<void>) | undefined

  const handOver = (entry: Entry) => {
    if (!carry) return
    entry.handedOver = true
    carry(entry.message).then(entry.resolve, (error: unknown) => {
      // Anything else is the loss of the link: the next open() hands it over again.
      if (error instanceof MixnetError) entry.reject(error)
    })
  }

  return {
    submit: (message, { signal }) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        if (entries.size >= maxMessages || bytes + message.payload.length > maxBytes) {
          return reject(new MixnetError('overloaded', 'The send buffer is full.'))
        }
        const settle = (outcome: () => void) => {
          if (!entries.delete(entry)) return
          bytes -= message.payload.length
          clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
          outcome()
        }
        const abort = () => settle(() => reject(signal?.reason))
        const timer = setTimeout(() => {
          if (entry.handedOver) entry.resolve()
          else entry.reject(new MixnetError('unreachable', 'The mixnet could not be reached in time.'))
        }, maxWaitMs)
        const entry: Entry = {
          message,
          resolve: () => settle(resolve),
          reject: (reason) => settle(() => reject(reason)),
          handedOver: false,
        }
        signal?.addEventListener('abort', abort, { once: true })
        entries.add(entry)
        bytes += message.payload.length
        handOver(entry)
      }),

    open(through) {
      carry = through
      for (const entry of [...entries]) handOver(entry)
    },

    close() {
      carry = undefined
    },

    end() {
      carry = undefined
      for (const entry of [...entries]) {
        if (entry.handedOver) entry.resolve()
        else entry.reject(new MixnetError('stopped', 'The transport was stopped.'))
      }
    },
  }
}

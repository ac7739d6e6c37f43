import { VeilcastError } from '@veilcast/shared/errors'
import { decodeReply, type Reply, type RequestId } from '@veilcast/shared/protocol'
import { bytesToHex } from './hex.ts'

/** Something that waits for replies, from its first message to its end. */
export interface Conversation {
  /** The transport began anew: every SURB sent before is void. */
  repeat(): void
  stop(): void
}

/** What came back and was not believed. */
export interface IgnoredReplies {
  /** No message of the protocol. */
  readonly garbage: number
  /** An answer to nothing that is waiting: foreign, or late. */
  readonly unasked: number
  /** An answer to a question of ours that does not fit it: another transaction, an older number, another kind. */
  readonly unfit: number
}

/** Request id -> whoever waits for its replies. */
export interface Pending {
  readonly ignored: IgnoredReplies
  /** @throws VeilcastError `tooManyPending` */
  join(conversation: Conversation): void
  leave(conversation: Conversation): void
  /** `hear` says whether it believed the reply. It is called until `forget`: a status may be answered more than once. */
  expect(id: RequestId, hear: (reply: Reply) => boolean): void
  forget(id: RequestId): void
  /** Hostile bytes from the mixnet. Never throws. */
  deliver(bytes: Uint8Array): void
  repeatAll(): void
  stopAll(): void
}

export function createPending(maxConversations: number): Pending {
  const conversations = new Set<Conversation>()
  const hearers = new Map<string, (reply: Reply) => boolean>()
  const ignored = { garbage: 0, unasked: 0, unfit: 0 }

  return {
    ignored,
    join(conversation) {
      if (conversations.size >= maxConversations) {
        throw new VeilcastError('tooManyPending', { values: { limit: maxConversations } })
      }
      conversations.add(conversation)
    },
    leave(conversation) {
      conversations.delete(conversation)
    },
    expect(id, hear) {
      hearers.set(bytesToHex(id), hear)
    },
    forget(id) {
      hearers.delete(bytesToHex(id))
    },
    deliver(bytes) {
      let reply: Reply
      try {
        reply = decodeReply(bytes)
      } catch {
        ignored.garbage += 1
        return
      }
      const hear = hearers.get(bytesToHex(reply.id))
      if (!hear) ignored.unasked += 1
      else if (!hear(reply)) ignored.unfit += 1
    },
    repeatAll() {
      for (const conversation of [...conversations]) conversation.repeat()
    },
    stopAll() {
      for (const conversation of [...conversations]) conversation.stop()
    },
  }
}

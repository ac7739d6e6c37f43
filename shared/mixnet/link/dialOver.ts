import { createReplyQueue } from '../boundedQueue.ts'
import { checkRequest } from '../checkMessage.ts'
import type { MixnetDialer } from '../Mixnet.ts'
import { keepLink, type LinkOptions } from './keepLink.ts'
import type { OpenLink } from './Link.ts'
import type { RoundTrip } from './selfPing.ts'

export interface LinkDialer extends MixnetDialer {
  onRestart(hear: () => void): () => void
  /** The latest message to ourselves that came back, sent in the place of a cover packet. */
  lastRoundTrip(): RoundTrip | undefined
}

/** A dialer over any transport that can open a link. Its SURBs die with each link. */
export function dialOver(open: OpenLink, options: LinkOptions): LinkDialer {
  const replies = createReplyQueue()
  const hearers = new Set<() => void>()
  const kept = keepLink({
    ...options,
    pingIntervalMs: options.pingIntervalMs ?? 30_000,
    open,
    prove: false,
    receive(message) {
      // A sender tag is on requests only, and a dialer takes none.
      if (!message.replyTo) replies.push(message.payload)
    },
    restarted() {
      for (const hear of hearers) hear()
    },
  })

  return {
    async start(wait) {
      replies.reopen()
      await kept.start(wait)
    },
    async stop() {
      replies.end()
      await kept.stop()
    },
    async send(to, payload, surbs, wait) {
      wait?.signal?.throwIfAborted()
      kept.address()
      checkRequest(to, payload, surbs)
      await kept.submit({ kind: 'request', to, payload: payload.slice(), surbs }, wait)
    },
    replies: replies.consume,
    onRestart(hear) {
      hearers.add(hear)
      return () => {
        hearers.delete(hear)
      }
    },
    lastRoundTrip: kept.lastRoundTrip,
  }
}

import { type MixnetDialer, requestPackets } from '@veilcast/shared/mixnet'

/** What went through the mixnet since it was first counted. */
export interface Traffic {
  /** Messages that the transport took. */
  readonly messagesUp: number
  /** Replies that came. */
  readonly messagesDown: number
  /** Data packets up, without cover and without what Nym repeats by itself. */
  readonly packetsUp: number
  readonly surbs: number
  /** `performance.now()` of the last reply; undefined before the first. */
  readonly lastReplyAtMs: number | undefined
}

/** The same dialer, and what goes through it counted. */
export function countTraffic(mixnet: MixnetDialer): {
  readonly mixnet: MixnetDialer
  readonly traffic: () => Traffic
} {
  const count = { messagesUp: 0, messagesDown: 0, packetsUp: 0, surbs: 0 }
  let lastReplyAtMs: number | undefined
  const { onRestart } = mixnet
  return {
    traffic: () => ({ ...count, lastReplyAtMs }),
    mixnet: {
      start: (wait) => mixnet.start(wait),
      stop: () => mixnet.stop(),
      async send(to, payload, surbs, wait) {
        await mixnet.send(to, payload, surbs, wait)
        count.messagesUp += 1
        count.packetsUp += requestPackets(payload.length, surbs)
        count.surbs += surbs
      },
      async *replies() {
        for await (const bytes of mixnet.replies()) {
          count.messagesDown += 1
          lastReplyAtMs = performance.now()
          yield bytes
        }
      },
      ...(onRestart ? { onRestart: (hear: () => void) => onRestart.call(mixnet, hear) } : {}),
    },
  }
}

import { createReplyQueue } from '../boundedQueue.ts'
import { checkRequest } from '../checkMessage.ts'
import { type MixnetDialer, MixnetError } from '../Mixnet.ts'
import type { DialerLife, Network } from './network.ts'

export interface LoopbackDialer extends MixnetDialer {
  /** What a transport does when its gateway is lost: new tags, and every SURB sent before is void. */
  restart(): void
  onRestart(hear: () => void): () => void
}

export function createDialer(network: Network): LoopbackDialer {
  const queue = createReplyQueue()
  const hearers = new Set<() => void>()
  let life: DialerLife | undefined

  const begin = () => {
    const born: DialerLife = {
      receive: (payload) => {
        if (life !== born || !queue.push(payload)) network.counters.dropped += 1
      },
    }
    life = born
  }

  const dialer: LoopbackDialer = {
    async start({ signal } = {}) {
      signal?.throwIfAborted()
      if (life) return
      network.failIfUnreachable()
      network.join(dialer)
      queue.reopen()
      begin()
    },

    async stop() {
      life = undefined
      queue.end()
      network.leave(dialer)
    },

    async send(to, payload, surbs, { signal } = {}) {
      signal?.throwIfAborted()
      if (!life) throw new MixnetError('stopped', 'This dialer is not running.')
      checkRequest(to, payload, surbs)
      network.failIfUnreachable()
      network.counters.requests += 1
      network.counters.surbs += surbs
      network.post(to, { from: life, payload: payload.slice(), repliable: surbs > 0, unusedSurbs: surbs })
    },

    replies: () => queue.consume(),

    restart() {
      if (!life) return
      begin()
      for (const hear of hearers) hear()
    },

    onRestart(hear) {
      hearers.add(hear)
      return () => {
        hearers.delete(hear)
      }
    },
  }
  return dialer
}

import { replyPackets } from '../packetCapacity.ts'

/** As in Nym's client: what a receiver keeps for one sender at most. */
const maxSurbs = 200
const maxWaitingReplies = 64

/**
 * The SURBs that one sender has given to one listener, spent oldest first, one per packet. A reply that finds too few
 * waits, and eats those of the next request.
 */
export interface SurbPool {
  add(surbs: number): void
  /** False if so many replies wait already that this one is dropped. */
  reply(payload: Uint8Array): boolean
}

export function createSurbPool({
  leave,
  spend,
  wait,
}: {
  /** Takes a reply whose packets all have their SURB. */
  readonly leave: (payload: Uint8Array) => void
  readonly spend: (surbs: number) => void
  /** Told by how many the waiting replies have become more, or fewer. */
  readonly wait: (change: number) => void
}): SurbPool {
  let surbs = 0
  const waiting: { readonly payload: Uint8Array; packets: number }[] = []

  const drain = () => {
    for (let head = waiting[0]; head && surbs > 0; head = waiting[0]) {
      const used = Math.min(surbs, head.packets)
      surbs -= used
      head.packets -= used
      spend(used)
      if (head.packets > 0) return
      waiting.shift()
      wait(-1)
      leave(head.payload)
    }
  }

  return {
    add(count) {
      surbs = Math.min(maxSurbs, surbs + count)
      drain()
    },
    reply(payload) {
      if (waiting.length >= maxWaitingReplies) return false
      waiting.push({ payload, packets: replyPackets(payload.length) })
      wait(1)
      drain()
      return true
    },
  }
}

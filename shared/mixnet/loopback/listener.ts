import { createRequestQueue } from '../boundedQueue.ts'
import { checkPayload } from '../checkMessage.ts'
import { MixnetError, type MixnetListener, type SenderTag } from '../Mixnet.ts'
import type { DialerLife, Letter, Mailbox, Network } from './network.ts'
import { createSurbPool, type SurbPool } from './surbPool.ts'

/** Senders whose SURBs are remembered; beyond, the one heard first is forgotten. */
const maxSenders = 65_536

export function createListener(network: Network, mailbox: Mailbox): MixnetListener {
  const queue = createRequestQueue()
  let tags = new Map<DialerLife, SenderTag>()
  let pools = new Map<SenderTag, SurbPool>()
  let receive: ((letter: Letter) => void) | undefined

  const tagOf = (from: DialerLife): SenderTag => {
    const known = tags.get(from)
    if (known) return known
    const tag = network.createTag() as SenderTag
    const [oldest] = tags
    if (oldest && tags.size >= maxSenders) {
      tags.delete(oldest[0])
      pools.delete(oldest[1])
    }
    tags.set(from, tag)
    pools.set(
      tag,
      createSurbPool({
        leave: (payload) => network.answer(from, payload),
        spend: (surbs) => {
          network.counters.surbsSpent += surbs
        },
        wait: (change) => {
          network.counters.repliesWaiting += change
        },
      }),
    )
    return tag
  }

  const open = (letter: Letter) => {
    if (!letter.repliable) {
      if (!queue.push({ payload: letter.payload.slice() })) network.counters.dropped += 1
      return
    }
    const replyTo = tagOf(letter.from)
    pools.get(replyTo)?.add(letter.unusedSurbs)
    letter.unusedSurbs = 0
    if (!queue.push({ payload: letter.payload.slice(), replyTo })) network.counters.dropped += 1
  }

  const listener: MixnetListener = {
    async start({ signal } = {}) {
      signal?.throwIfAborted()
      if (receive) return
      if (mailbox.receive) throw new MixnetError('unreachable', 'Another listener runs under this name.')
      network.join(listener)
      queue.reopen()
      receive = open
      mailbox.receive = open
      for (const letter of mailbox.kept.splice(0)) open(letter)
    },

    async stop() {
      if (receive) mailbox.receive = undefined
      receive = undefined
      tags = new Map()
      pools = new Map()
      queue.end()
      network.leave(listener)
    },

    address() {
      if (!receive) throw new MixnetError('stopped', 'This listener is not running.')
      return mailbox.address
    },

    requests: () => queue.consume(),

    async reply(replyTo, payload, { signal } = {}) {
      signal?.throwIfAborted()
      if (!receive) throw new MixnetError('stopped', 'This listener is not running.')
      checkPayload(payload)
      network.counters.replies += 1
      if (!pools.get(replyTo)?.reply(payload.slice())) network.counters.dropped += 1
    },

    lastRoundTrip: () => (receive ? { atMs: Date.now(), tookMs: 0 } : undefined),
  }
  return listener
}

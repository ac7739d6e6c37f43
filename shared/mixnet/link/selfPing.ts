import { bytesToHex, randomBytes } from '@noble/hashes/utils.js'
import { MixnetError } from '../Mixnet.ts'
import type { Incoming, Link } from './Link.ts'
import { jitter, sleep, untilAborted } from './wait.ts'

export interface RoundTrip {
  readonly atMs: number
  readonly tookMs: number
}

/** Pings that are remembered; an answer to an older one is nobody's. */
const maxOutstanding = 64
const nonceBytes = 16

/**
 * Messages to ourselves: the only proof that a mixnet carries. A payload is a ping when it is one of the 128-bit nonces that
 * we sent, which nobody else knows.
 */
export interface SelfPing {
  /** True if the message was a ping, and so nobody else's. */
  take(message: Incoming, link: Link): boolean
  /** Resolves once a message with a SURB came to us with its sender tag, and our reply on it came back. */
  prove(link: Link, signal: AbortSignal): Promise<void>
  /** Pings until the signal; resolves as soon as none has come back for `lostAfterMs` and what the link's backlog takes. */
  watch(link: Link, options: { intervalMs: number; lostAfterMs: number }, signal: AbortSignal): Promise<void>
  lastRoundTrip(): RoundTrip | undefined
}

export function createSelfPing(): SelfPing {
  const outstanding = new Map<string, { sentMs: number; arrived: (message: Incoming, link: Link) => void }>()
  let last: RoundTrip | undefined

  const createPing = (arrived: (message: Incoming, link: Link) => void): Uint8Array => {
    const nonce = randomBytes(nonceBytes)
    const [oldest] = outstanding.keys()
    if (oldest !== undefined && outstanding.size >= maxOutstanding) outstanding.delete(oldest)
    outstanding.set(bytesToHex(nonce), { sentMs: performance.now(), arrived })
    return nonce
  }

  return {
    take(message, link) {
      if (message.payload.length !== nonceBytes) return false
      const key = bytesToHex(message.payload)
      const ping = outstanding.get(key)
      if (!ping) return false
      outstanding.delete(key)
      last = { atMs: Date.now(), tookMs: performance.now() - ping.sentMs }
      ping.arrived(message, link)
      return true
    },

    prove: (link, signal) =>
      untilAborted(
        new Promise<void>((resolve, reject) => {
          const request = createPing((message) => {
            if (!message.replyTo) {
              reject(new MixnetError('unsealed', 'A message with a SURB came without its sender tag.'))
              return
            }
            const payload = createPing(() => resolve())
            link.carry({ kind: 'reply', to: message.replyTo, payload }).catch(reject)
          })
          link.carry({ kind: 'request', to: link.address, payload: request, surbs: 2 }).catch(reject)
        }),
        signal,
      ),

    async watch(link, { intervalMs, lostAfterMs }, signal) {
      let heardMs = performance.now()
      let slackMs = 0
      let gone = false
      while (!signal.aborted) {
        const payload = createPing(() => {
          heardMs = performance.now()
          slackMs = 0
        })
        link.carry({ kind: 'request', to: link.address, payload, surbs: 0 }).catch((error: unknown) => {
          gone = !(error instanceof MixnetError)
        })
        slackMs = Math.max(slackMs, link.backlogMs?.() ?? 0)
        await sleep(intervalMs * jitter(), signal).catch(() => undefined)
        if (gone || performance.now() - heardMs > lostAfterMs + slackMs) return
      }
    },

    lastRoundTrip: () => last,
  }
}

import { createRequestQueue } from '../boundedQueue.ts'
import { checkPayload } from '../checkMessage.ts'
import { MixnetError, type MixnetListener } from '../Mixnet.ts'
import { keepLink, type LinkOptions } from './keepLink.ts'
import type { OpenLink } from './Link.ts'
import type { RoundTrip } from './selfPing.ts'

export interface LinkListener extends MixnetListener {
  lastRoundTrip(): RoundTrip | undefined
  /** False while the gateway is lost and being looked for. */
  connected(): boolean
}

/**
 * A listener over any transport that can open a link, ready once a round trip through the mixnet has completed.
 * @param surbsOutliveLinks whether a reply may wait for the next link, or is void with the SURBs of this one
 */
export function listenOver(open: OpenLink, surbsOutliveLinks: boolean, options: LinkOptions): LinkListener {
  const requests = createRequestQueue()
  const kept = keepLink({
    ...options,
    pingIntervalMs: options.pingIntervalMs ?? 15_000,
    open,
    prove: true,
    receive: (message) => void requests.push(message),
    restarted: () => {},
  })

  return {
    async start(wait) {
      requests.reopen()
      await kept.start(wait)
    },
    async stop() {
      requests.end()
      await kept.stop()
    },
    address: kept.address,
    requests: requests.consume,
    async reply(replyTo, payload, wait) {
      wait?.signal?.throwIfAborted()
      kept.address()
      checkPayload(payload)
      if (!surbsOutliveLinks && !kept.connected()) {
        throw new MixnetError('unreachable', 'The gateway was lost, and the SURBs with it.')
      }
      await kept.submit({ kind: 'reply', to: replyTo, payload: payload.slice() }, wait)
    },
    lastRoundTrip: kept.lastRoundTrip,
    connected: kept.connected,
  }
}

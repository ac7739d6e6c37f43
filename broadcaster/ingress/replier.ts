import { setTimeout as delay } from 'node:timers/promises'
import { errorNameOf, type WireError } from '@veilcast/shared/errors'
import { replyPackets } from '@veilcast/shared/mixnet'
import { encodeReply, type ReplyBody, type RequestId } from '@veilcast/shared/protocol'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { ReplyPath } from './ReplyPath.ts'

export interface Replier {
  /**
   * Hands a reply to the mixnet where `credit` pays for its packets, and says how many it took: 0 when it was not sent. Never
   * sends beyond the credit: Nym would keep the surplus and let it eat the SURB of the sender's next request.
   */
  reply(to: ReplyTo, body: ReplyBody, number?: number): number
  fail(to: ReplyTo, error: WireError): number
  /**
   * Resolves once what was taken has been handed over, and a Nym client at its own pace will have sent it, or the signal aborts. A
   * client that is stopped before takes with it what it has not sent.
   */
  drain(signal: AbortSignal): Promise<void>
}

export interface ReplyTo {
  readonly id: RequestId
  readonly path: ReplyPath
  /** SURBs that may be spent. */
  readonly credit: number
}

export const maxRepliesUnderWay = 4096
/** A Nym client sends one packet in about 20 ms, and cover traffic between them. */
const msPerPacket = 25

export function createReplier(parts: {
  /** The 8 bytes of the store's present life. */
  readonly incarnation: () => Uint8Array
  readonly metrics: Metrics
  readonly logger: Logger
}): Replier {
  const { incarnation, metrics, logger } = parts
  const underWay = new Set<Promise<void>>()
  /** By Nym client, when it will have sent what it was handed. */
  const sentByMs = new Map<ReplyPath['listener'], number>()

  function reply(to: ReplyTo, body: ReplyBody, number = 0): number {
    const payload = encodeReply({ id: to.id, incarnation: incarnation(), number, body })
    const packets = replyPackets(payload.length)
    if (packets > to.credit || underWay.size >= maxRepliesUnderWay) return 0
    const { listener, tag } = to.path
    const handing = listener
      .reply(tag, payload)
      .then(() => {
        metrics.replies.inc({ kind: body.kind === 'state' ? body.state.stage : body.kind })
        metrics.replyPackets.inc(packets)
        if (body.kind === 'state' && 'error' in body.state) countFailure(body.state.error)
      })
      .catch((error: unknown) => logger.warn({ err: error }, 'a reply could not be handed to the mixnet'))
      .finally(() => underWay.delete(handing))
    underWay.add(handing)
    sentByMs.set(listener, Math.max(Date.now(), sentByMs.get(listener) ?? 0) + packets * msPerPacket)
    return packets
  }

  function countFailure({ number }: WireError): void {
    metrics.failures.inc({ error: errorNameOf(number) ?? 'internal' })
  }

  return {
    reply,
    fail(to, error) {
      countFailure(error)
      return reply(to, { kind: 'failure', error })
    },
    async drain(signal) {
      const aborted = new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
      while (underWay.size > 0 && !signal.aborted) await Promise.race([Promise.all(underWay), aborted])
      const lastMs = Math.max(0, ...sentByMs.values()) - Date.now()
      if (lastMs > 0) await delay(lastMs, undefined, { signal }).catch(() => {})
    },
  }
}

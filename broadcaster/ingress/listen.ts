import { type WireError, wireError } from '@veilcast/shared/errors'
import type { MixnetListener, MixnetRequest } from '@veilcast/shared/mixnet'
import {
  type ChainId,
  decodeRequest,
  maxMessageBytes,
  ProtocolError,
  protocolVersion,
  type Request,
} from '@veilcast/shared/protocol'
import type { ChainAdapter } from '../chains/ChainAdapter.ts'
import { withOwnSignal } from '../chains/endpoints/withDeadline.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Trace } from '../observability/Trace.ts'
import { StoreError, type TxStore } from '../store/TxStore.ts'
import type { createAdmit } from './admit.ts'
import { infoReply } from './answerInfo.ts'
import { answerRead } from './answerRead.ts'
import type { createAnswerStatus } from './answerStatus.ts'
import type { Askers } from './askers.ts'
import { createCopies } from './copies.ts'
import type { ReplyPath } from './ReplyPath.ts'
import type { Replier, ReplyTo } from './replier.ts'
import { createShares } from './shares.ts'

/** Requests that are worked on at once, from all Nym clients; those beyond wait in each transport's own bounded queue. */
const maxRequestsUnderWay = 64
/** Messages of reads among them: slow ones would otherwise keep every submit waiting. What they ask of nodes is bounded by chain. */
const maxReadsUnderWay = 48
/** Of one wallet: else one that asks what is slow would keep all others from reading. */
const maxReadsUnderWayPerWallet = 8
const maxReadMs = 10_000
const readRetryMs = 2_000

export interface Ingress {
  /** Takes requests until `stop`. */
  start(): void
  /** Takes no more, and waits for what is under way. */
  stop(): Promise<void>
}

/** The door: everything that comes in here is hostile, and nothing that it does may stop the loop. */
export function createIngress(parts: {
  readonly listeners: readonly MixnetListener[]
  readonly chains: ReadonlyMap<ChainId, ChainAdapter>
  readonly records: TxStore
  readonly askers: Askers
  readonly replier: Replier
  readonly admit: ReturnType<typeof createAdmit>
  readonly answerStatus: ReturnType<typeof createAnswerStatus>
  readonly retentionSeconds: number
  /** The same bytes within it are a copy that the network made. */
  readonly copyWindowMs: number
  readonly metrics: Metrics
  readonly trace?: Trace | undefined
  readonly logger: Logger
}): Ingress {
  const { listeners, chains, records, askers, replier, admit, answerStatus, metrics, trace, logger } = parts
  const stopping = new AbortController()
  const underWay = new Set<Promise<void>>()
  const reads = createShares({ max: maxReadsUnderWay, maxEach: maxReadsUnderWayPerWallet })

  async function takeFrom(listener: MixnetListener): Promise<void> {
    const copies = createCopies(parts.copyWindowMs)
    for await (const request of listener.requests()) {
      if (stopping.signal.aborted) return
      if (copies.isCopy(request.replyTo, request.payload, performance.now())) {
        metrics.requests.inc({ kind: 'copy' })
        continue
      }
      const handling = handle(request, listener).finally(() => underWay.delete(handling))
      underWay.add(handling)
      while (underWay.size >= maxRequestsUnderWay) await Promise.race(underWay)
      if (stopping.signal.aborted) return
    }
  }

  async function handle({ payload, replyTo }: MixnetRequest, listener: MixnetListener): Promise<void> {
    const path: ReplyPath | undefined = replyTo === undefined ? undefined : { listener, tag: replyTo }
    let request: Request
    try {
      request = decodeRequest(payload)
    } catch (error) {
      metrics.requests.inc({ kind: 'garbage' })
      if (error instanceof ProtocolError && error.id && path) {
        const to = { id: error.id, path, credit: error.surbs }
        replier.fail(
          to,
          wireError(error.kind, {
            supported: protocolVersion,
            limitBytes: maxMessageBytes,
            sizeBytes: payload.length,
          }),
        )
      }
      return
    }
    metrics.requests.inc({ kind: request.body.kind })
    // `accepted` is a promise made to somebody: without a SURB there is nobody to make it to.
    if (path === undefined) return
    const to = { id: request.id, path, credit: request.surbs }
    const startMs = Date.now()
    try {
      await answer(request, to)
    } catch (error) {
      logger.error({ err: error, kind: request.body.kind }, 'a request failed')
      fail(
        to,
        error instanceof StoreError
          ? wireError('storeUnavailable', {}, { outcome: 'unknown' })
          : wireError('internal'),
      )
    } finally {
      trace?.span({ name: 'request', startMs, attributes: { kind: request.body.kind } })
    }
  }

  /** A failure costs a SURB like any answer: of its asker's, where one was registered for the request before it failed. */
  function fail(to: ReplyTo, error: WireError): void {
    const asker = askers.unanswered(to.id, to.path)
    const spent = replier.fail(asker ?? to, error)
    if (!asker) return
    asker.credit -= spent
    asker.answering = true
  }

  async function answer(request: Request, to: ReplyTo): Promise<void> {
    const { body } = request
    switch (body.kind) {
      case 'submit': {
        const result = await admit({ ...request, body }, to.path)
        if (result !== 'told') fail(to, result.failure)
        return
      }
      case 'status': {
        const result = await answerStatus({ ...request, body }, to.path)
        if (result !== 'told') fail(to, result.failure)
        return
      }
      case 'info':
        replier.reply(to, infoReply(chains, records, parts.retentionSeconds))
        return
      case 'read': {
        const leave = reads.take(to.path.tag)
        if (!leave) {
          replier.fail(to, wireError('busy', { retryAfterMs: readRetryMs }))
          return
        }
        const answered = await withOwnSignal(stopping.signal, maxReadMs, (signal) =>
          answerRead(chains, body, to.credit, metrics, signal),
        ).finally(leave)
        if (answered.kind === 'failure') replier.fail(to, answered.error)
        else replier.reply(to, answered)
      }
    }
  }

  return {
    start() {
      for (const listener of listeners) {
        void takeFrom(listener).catch((error: unknown) => logger.error({ err: error }, 'the ingress stopped'))
      }
    },
    async stop() {
      stopping.abort()
      await Promise.allSettled(underWay)
    },
  }
}

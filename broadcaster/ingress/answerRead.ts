import { wireError } from '@veilcast/shared/errors'
import type { ChainId, Read, ReadAnswer, ReadRequest, ReplyBody } from '@veilcast/shared/protocol'
import type { AskedRead, ChainAdapter } from '../chains/ChainAdapter.ts'
import type { Metrics } from '../observability/metrics.ts'
import { packAnswers } from './packAnswers.ts'

/** Asks the chain what the wallet asks, each read where its method is on the list, and packs the answers. */
export async function answerRead(
  chains: ReadonlyMap<ChainId, ChainAdapter>,
  body: ReadRequest,
  /** SURBs that the answers may take. */
  credit: number,
  metrics: Pick<Metrics, 'reads'>,
  signal: AbortSignal,
): Promise<ReplyBody> {
  const adapter = chains.get(body.chain)
  if (!adapter) return { kind: 'failure', error: wireError('chainNotServed') }
  const reads = body.reads.map(parse)
  const asked = reads.filter((read) => read !== undefined)
  const { height, freshMs, answers, counts } = await adapter.query(asked, { signal })
  const { chain } = adapter
  for (const [from, count] of Object.entries(counts)) {
    if (count > 0) metrics.reads.inc({ chain, from }, count)
  }
  const inOrder = answers[Symbol.iterator]()
  const all = reads.map((read) => (read && (inOrder.next().value as ReadAnswer | undefined)) ?? unreadable)
  return packAnswers({ height, freshMs, answers: all }, credit)
}

const unreadable: ReadAnswer = { kind: 'failed', error: wireError('invalidParams') }

function parse({ method, params }: Read): AskedRead | undefined {
  try {
    return { method, params: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(params)) }
  } catch {
    return undefined
  }
}

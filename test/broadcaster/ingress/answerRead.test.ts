import { describe, expect, it } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import {
  decodeReadAnswers,
  parseChainId,
  type Read,
  type ReadAnswer,
  type ReplyBody,
} from '@veilcast/shared/protocol'
import type { AskedRead, ChainAdapter } from '../../../broadcaster/dist/chains/ChainAdapter.js'
import { answerRead } from '../../../broadcaster/dist/ingress/answerRead.js'
import { createMetrics } from '../../../broadcaster/dist/observability/metrics.js'

const chain = parseChainId('eip155:1')
const read = { method: 'eth_gasPrice', params: Buffer.from('[]') }

const failed = { kind: 'failed', error: wireError('noLiveEndpoint') } as const
const counts = { refused: 0, here: 0, cached: 0, shared: 0, node: 0 }
const answering = (answers: readonly ReadAnswer[]) =>
  ({
    chain,
    query: async (reads: readonly AskedRead[]) => ({
      height: 7n,
      freshMs: 900,
      answers: answers.slice(0, reads.length),
      counts: { ...counts, node: reads.length },
    }),
  }) as Pick<ChainAdapter, 'chain' | 'query'> as ChainAdapter

const ask = (adapter: ChainAdapter, reads: readonly Read[] = [read, read], metrics = createMetrics()) =>
  answerRead(
    new Map([[chain, adapter]]),
    { kind: 'read', chain, reads },
    1,
    metrics,
    AbortSignal.timeout(10_000),
  )

const messageOf = (body: ReplyBody) => {
  if (body.kind !== 'results' || body.packing !== 'plain') throw new Error(`It was ${body.kind}.`)
  return decodeReadAnswers(body.answers)
}

describe('answerRead', () => {
  it('default: each read has its answer, in their order, with the height and how long it holds', async () => {
    const reverted = { kind: 'reverted', data: Uint8Array.of(1, 2) } as const
    const metrics = createMetrics()
    const answered = await ask(answering([reverted, failed]), [read, read], metrics)
    expect(messageOf(answered)).toEqual({ height: 7n, freshMs: 900, answers: [reverted, failed] })
    expect(await metrics.registry.getSingleMetricAsString('veilcast_reads_total')).toContain(
      'veilcast_reads_total{chain="eip155:1",from="node"} 2',
    )
  })

  it('error: params that are no JSON fail alone', async () => {
    const result = { kind: 'result', result: Uint8Array.of(49) } as const
    const broken = { method: 'eth_gasPrice', params: Buffer.from('[') }
    const { answers } = messageOf(await ask(answering([result]), [broken, read]))
    expect(answers).toEqual([{ kind: 'failed', error: wireError('invalidParams') }, result])
  })

  it('error: a chain that is not served is a failure of the whole message', async () => {
    const body = { kind: 'read', chain: parseChainId('eip155:2'), reads: [read] } as const
    const chains = new Map([[chain, answering([])]])
    const answered = await answerRead(chains, body, 1, createMetrics(), AbortSignal.timeout(10_000))
    expect(answered).toEqual({ kind: 'failure', error: wireError('chainNotServed') })
  })
})

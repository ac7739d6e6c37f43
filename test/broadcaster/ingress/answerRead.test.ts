import { describe, expect, it } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import { decodeReadAnswers, parseChainId, type ReplyBody } from '@veilcast/shared/protocol'
import { type ChainAdapter, ReadRefused } from '../../../broadcaster/dist/chains/ChainAdapter.js'
import { answerRead } from '../../../broadcaster/dist/ingress/answerRead.js'

const chain = parseChainId('eip155:1')
const read = { method: 'eth_gasPrice', params: Buffer.from('[]') }

/** A chain that answers a read only when it is told to stop. */
const hanging = {
  query: (_method, _params, { signal } = {}) =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
    }),
} as Pick<ChainAdapter, 'query'> as ChainAdapter

const ask = (adapter: ChainAdapter, credit = 1, signal = AbortSignal.timeout(10_000)) =>
  answerRead(new Map([[chain, adapter]]), { kind: 'read', chain, reads: [read, read] }, credit, signal)

const answersOf = (body: ReplyBody) => {
  if (body.kind !== 'results' || body.packing !== 'plain') throw new Error(`It was ${body.kind}.`)
  return decodeReadAnswers(body.answers).answers
}

describe('answerRead', () => {
  it('default: each read is answered by itself, in their order', async () => {
    let count = 0
    const query = async () => {
      count++
      if (count === 2) throw new ReadRefused(wireError('methodNotAllowed'))
      return '0x1'
    }
    const answered = await ask({ query } as Pick<ChainAdapter, 'query'> as ChainAdapter)
    expect(answersOf(answered)).toEqual([
      { kind: 'result', result: Uint8Array.from(Buffer.from('"0x1"')) },
      { kind: 'failed', error: wireError('methodNotAllowed') },
    ])
  })

  it('behavior: a read that runs out of time finds no live endpoint, which is no bug of ours', async () => {
    const failed = { kind: 'failed', error: wireError('noLiveEndpoint') }
    expect(answersOf(await ask(hanging, 1, AbortSignal.timeout(20)))).toEqual([failed, failed])
  })

  it('error: a chain that is not served is a failure of the whole message', async () => {
    const body = { kind: 'read', chain: parseChainId('eip155:2'), reads: [read] } as const
    const answered = await answerRead(new Map([[chain, hanging]]), body, 1, AbortSignal.timeout(10_000))
    expect(answered).toEqual({ kind: 'failure', error: wireError('chainNotServed') })
  })
})

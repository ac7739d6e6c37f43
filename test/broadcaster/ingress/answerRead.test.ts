import { describe, expect, it } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import { parseChainId } from '@veilcast/shared/protocol'
import type { ChainAdapter } from '../../../broadcaster/dist/chains/ChainAdapter.js'
import { answerRead } from '../../../broadcaster/dist/ingress/answerRead.js'

const chain = parseChainId('eip155:1')
const body = { kind: 'read', chain, method: 'eth_gasPrice', params: Buffer.from('[]') } as const

/** A chain that answers a read only when it is told to stop. */
const hanging = {
  query: (_method, _params, { signal } = {}) =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
    }),
} as Pick<ChainAdapter, 'query'> as ChainAdapter

describe('answerRead', () => {
  it('behavior: a read that runs out of time finds no live endpoint, which is no bug of ours', async () => {
    const answered = await answerRead(new Map([[chain, hanging]]), body, AbortSignal.timeout(20))
    expect(answered).toEqual({ failure: wireError('noLiveEndpoint') })
  })
})

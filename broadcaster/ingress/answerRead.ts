import { type WireError, wireError } from '@veilcast/shared/errors'
import { type ChainId, maxReadResultBytes, type ReadRequest } from '@veilcast/shared/protocol'
import { type ChainAdapter, ChainUnavailable, ReadRefused } from '../chains/ChainAdapter.ts'

/** Asks the chain what the wallet asks, where the method is on the list. */
export async function answerRead(
  chains: ReadonlyMap<ChainId, ChainAdapter>,
  body: ReadRequest,
  signal: AbortSignal,
): Promise<{ readonly result: Uint8Array } | { readonly failure: WireError }> {
  const adapter = chains.get(body.chain)
  if (!adapter) return { failure: wireError('chainNotServed') }
  let params: unknown
  try {
    params = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body.params))
  } catch {
    return { failure: wireError('invalidParams') }
  }
  try {
    const answer = await adapter.query(body.method, params, { signal })
    const result = new TextEncoder().encode(JSON.stringify(answer ?? null))
    if (result.length <= maxReadResultBytes) return { result }
    return {
      failure: wireError('answerTooLarge', { sizeBytes: result.length, limitBytes: maxReadResultBytes }),
    }
  } catch (error) {
    if (error instanceof ReadRefused) return { failure: error.error }
    // Out of time, as with one silent endpoint after another.
    if (error instanceof ChainUnavailable || signal.aborted) return { failure: wireError('noLiveEndpoint') }
    throw error
  }
}

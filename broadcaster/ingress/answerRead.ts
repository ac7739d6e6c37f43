import { wireError } from '@veilcast/shared/errors'
import {
  type ChainId,
  maxReadResultBytes,
  type Read,
  type ReadAnswer,
  type ReadRequest,
  type ReplyBody,
} from '@veilcast/shared/protocol'
import { type ChainAdapter, ChainUnavailable, ReadRefused } from '../chains/ChainAdapter.ts'
import { packAnswers } from './packAnswers.ts'

/** Asks the chain what the wallet asks, each read where its method is on the list, and packs the answers. */
export async function answerRead(
  chains: ReadonlyMap<ChainId, ChainAdapter>,
  body: ReadRequest,
  /** SURBs that the answers may take. */
  credit: number,
  signal: AbortSignal,
): Promise<ReplyBody> {
  const adapter = chains.get(body.chain)
  if (!adapter) return { kind: 'failure', error: wireError('chainNotServed') }
  const answers = await Promise.all(body.reads.map((read) => ask(adapter, read, signal)))
  return packAnswers({ height: 0n, freshMs: 0, answers }, credit)
}

async function ask(adapter: ChainAdapter, read: Read, signal: AbortSignal): Promise<ReadAnswer> {
  let params: unknown
  try {
    params = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(read.params))
  } catch {
    return { kind: 'failed', error: wireError('invalidParams') }
  }
  try {
    const answer = await adapter.query(read.method, params, { signal })
    const result = new TextEncoder().encode(JSON.stringify(answer ?? null))
    if (result.length <= maxReadResultBytes) return { kind: 'result', result }
    const sizes = { sizeBytes: result.length, limitBytes: maxReadResultBytes }
    return { kind: 'failed', error: wireError('answerTooLarge', sizes) }
  } catch (error) {
    if (error instanceof ReadRefused) return { kind: 'failed', error: error.error }
    // Out of time, as with one silent endpoint after another.
    if (error instanceof ChainUnavailable || signal.aborted)
      return { kind: 'failed', error: wireError('noLiveEndpoint') }
    throw error
  }
}

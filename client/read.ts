import { bytesToHex } from '@noble/hashes/utils.js'
import { findVeilcastError, fromWireError, VeilcastError } from '@veilcast/shared/errors'
import { maxSurbsPerMessage, replyPackets } from '@veilcast/shared/mixnet'
import { resultsHeaderBytes } from '@veilcast/shared/protocol'
import { ask } from './ask.ts'
import type { Line } from './converse.ts'
import { parseRead, parseWait, type WaitOptions } from './parseArguments.ts'
import { unpackAnswers } from './unpackAnswers.ts'

export interface ReadParameters {
  /** CAIP-2, as in `eip155:1`. */
  readonly chain: string
  /** One that the broadcaster allows: `eth_getBalance`, say. */
  readonly method: string
  /** What JSON can say, at most 16 384 bytes. Default `[]`. */
  readonly params?: readonly unknown[] | Readonly<Record<string, unknown>> | undefined
  /** Longest result; the SURBs for one that needs more than a packet are attached once its size is known. Default 16 384. */
  readonly maxResultBytes?: number | undefined
}

/** Before a result, in answers that hold nothing else. */
const answerHeaderBytes = 18

/** Asks the chain through the broadcaster. Its answer is hearsay: nothing here proves it. */
export async function read(line: Line, parameters: ReadParameters, options: WaitOptions): Promise<unknown> {
  const { chain, method, params, maxResultBytes } = parseRead(parameters)
  const { signal, timeoutMs } = parseWait(options)
  const endMs = performance.now() + timeoutMs
  const messages = { sent: 0, received: 0, surbs: 0, packetsUp: 0 }
  const asking = async (neededSurbs: number) => {
    const { body } = await ask(
      line,
      { body: { kind: 'read', chain, reads: [{ method, params }] }, neededSurbs, answer: 'results' },
      { signal, timeoutMs: Math.max(1, endMs - performance.now()), messages },
    )
    const { answers } = await unpackAnswers(body)
    const [only, ...more] = answers
    if (only === undefined || more.length > 0)
      throw new VeilcastError('readFailed', { details: 'There are not as many answers as reads.' })
    if (only.kind === 'failed') throw fromWireError({ ...only.error, outcome: 'notSent' })
    if (only.kind === 'reverted')
      throw new VeilcastError('callReverted', { data: `0x${bytesToHex(only.data)}` })
    return only.result
  }

  const result = await asking(1).catch((error: unknown) => {
    const sizeBytes = sizeIfTooLarge(error)
    const packets = replyPackets(resultsHeaderBytes + (sizeBytes ?? 0))
    if (
      sizeBytes === undefined ||
      sizeBytes > maxResultBytes + answerHeaderBytes ||
      packets > maxSurbsPerMessage
    )
      throw error
    return asking(packets)
  })
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(result))
  } catch (cause) {
    throw new VeilcastError('readFailed', { details: 'The answer is no JSON.', cause })
  }
}

function sizeIfTooLarge(error: unknown): number | undefined {
  const found = findVeilcastError(error)
  return found?.errorName === 'answerTooLarge' ? Number(found.values.sizeBytes ?? 0n) : undefined
}

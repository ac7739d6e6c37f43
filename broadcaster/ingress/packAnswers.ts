import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import { wireError } from '@veilcast/shared/errors'
import { replyCapacityBytes, replyPackets } from '@veilcast/shared/mixnet'
import {
  encodeReadAnswers,
  maxMessageBytes,
  type ReadAnswer,
  type ReadAnswers,
  type ResultsReply,
  resultsHeaderBytes,
} from '@veilcast/shared/protocol'

const deflate = promisify(deflateRaw)

/** What `answerTooLarge` itself takes: an answer that is no longer stays as it is. */
const leftOutBytes = encodeReadAnswers({
  height: 0n,
  freshMs: 0,
  answers: [{ kind: 'failed', error: wireError('answerTooLarge') }],
}).length

/**
 * Packs answers to travel over `credit` SURBs. Where they need more, the largest are left out: each says
 * `answerTooLarge` and what it would take alone, so that the wallet can ask for it again with SURBs enough.
 */
export async function packAnswers(message: ReadAnswers, credit: number): Promise<ResultsReply> {
  const limitBytes = Math.max(0, replyCapacityBytes(credit) - resultsHeaderBytes)
  const all = await pack(message, limitBytes)
  if (all) return all

  const sizes = await Promise.all(
    message.answers.map(async (answer, index) => {
      const alone = encodeReadAnswers({ ...message, answers: [answer] })
      if (alone.length <= leftOutBytes) return { index, sizeBytes: 0 }
      return { index, sizeBytes: (await packed(alone)).answers.length }
    }),
  )
  const largest = sizes.filter(({ sizeBytes }) => sizeBytes > 0).sort((a, b) => b.sizeBytes - a.sizeBytes)
  const without = (count: number): ReadAnswers => {
    const answers: ReadAnswer[] = [...message.answers]
    for (const { index, sizeBytes } of largest.slice(0, count)) {
      answers[index] = { kind: 'failed', error: wireError('answerTooLarge', { sizeBytes, limitBytes }) }
    }
    return { ...message, answers }
  }
  // The fewest that must go, by halves: each try packs all the rest.
  let [tooFew, enough] = [0, largest.length]
  let fitting = await pack(without(enough), limitBytes)
  while (enough - tooFew > 1) {
    const count = (tooFew + enough) >> 1
    const tried = await pack(without(count), limitBytes)
    if (tried) [enough, fitting] = [count, tried]
    else tooFew = count
  }
  return fitting ?? (await packed(encodeReadAnswers(without(largest.length))))
}

async function pack(message: ReadAnswers, limitBytes: number): Promise<ResultsReply | undefined> {
  const plain = encodeReadAnswers(message)
  if (plain.length > maxMessageBytes) return undefined
  const reply = await packed(plain)
  return reply.answers.length <= limitBytes ? reply : undefined
}

/** A packet is as long as the next one: what fits one is left as it is. */
async function packed(plain: Uint8Array): Promise<ResultsReply> {
  if (replyPackets(resultsHeaderBytes + plain.length) > 1) {
    const answers = Uint8Array.from(await deflate(plain))
    if (answers.length < plain.length) return { kind: 'results', packing: 'deflate', answers }
  }
  return { kind: 'results', packing: 'plain', answers: plain }
}

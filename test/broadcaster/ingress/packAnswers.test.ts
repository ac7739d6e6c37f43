import { randomBytes } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { errorNameOf } from '@veilcast/shared/errors'
import { replyPackets } from '@veilcast/shared/mixnet'
import {
  decodeReadAnswers,
  encodeReply,
  newRequestId,
  type ReadAnswer,
  type ResultsReply,
} from '@veilcast/shared/protocol'
import fc from 'fast-check'
import { packAnswers } from '../../../broadcaster/dist/ingress/packAnswers.js'

const result = (bytes: Uint8Array): ReadAnswer => ({ kind: 'result', result: bytes })
const noise = (length: number) => result(Uint8Array.from(randomBytes(length)))
const zeros = (length: number) => result(new Uint8Array(length))
const pack = (answers: readonly ReadAnswer[], credit: number) =>
  packAnswers({ height: 7n, freshMs: 900, answers }, credit)
const unpack = ({ packing, answers }: ResultsReply) =>
  decodeReadAnswers(packing === 'plain' ? answers : inflateRawSync(answers))
const packets = (body: ResultsReply) =>
  replyPackets(encodeReply({ id: newRequestId(), incarnation: new Uint8Array(8), number: 0, body }).length)
/** Of an answer that was left out: what it would take, and what there was room for. */
const leftOut = (answer: ReadAnswer | undefined) =>
  answer?.kind === 'failed' && errorNameOf(answer.error.number) === 'answerTooLarge'
    ? answer.error.values.map(Number)
    : undefined

describe('packAnswers', () => {
  it('default: what fits one packet is left as it is, what takes more is deflated if that makes it shorter', async () => {
    const short = await pack([zeros(1500)], 1)
    expect([short.packing, packets(short)]).toEqual(['plain', 1])
    const long = await pack([zeros(60_000), zeros(60_000)], 1)
    expect([long.packing, packets(long)]).toEqual(['deflate', 1])
    const hard = await pack([noise(4_000)], 3)
    expect([hard.packing, packets(hard)]).toEqual(['plain', 3])
    for (const body of [short, long, hard]) expect(unpack(body)).toMatchObject({ height: 7n, freshMs: 900 })
  })

  it('behavior: leaves out the largest, as few as need be, and says what each would take alone', async () => {
    const answers = [noise(400), zeros(60_000), noise(5_000), noise(700), noise(3_000)]
    const body = await pack(answers, 2)
    const unpacked = unpack(body)
    expect(packets(body)).toBeLessThanOrEqual(2)
    expect(unpacked.answers.map((answer) => leftOut(answer) !== undefined)).toEqual([
      false,
      false,
      true,
      false,
      true,
    ])
    for (const index of [2, 4]) {
      const [sizeBytes, limitBytes] = leftOut(unpacked.answers[index])!
      const alone = await pack([answers[index]!], 50)
      expect([sizeBytes, limitBytes]).toEqual([alone.answers.length, 2 * 1550 - 64 - 31])
    }
  })

  it('behavior: what unpacks to more than a message may hold is left out too, whatever the credit', async () => {
    const body = await pack(
      Array.from({ length: 32 }, () => zeros(65_536)),
      50,
    )
    const { answers } = unpack(body)
    expect(answers.filter(({ kind }) => kind === 'result')).toHaveLength(15)
  })

  it('property: it fits its credit, answers as many as were asked, and leaves nothing out that would fit', async () => {
    const answer = fc.oneof(
      fc.nat({ max: 4_000 }).map(noise),
      fc.nat({ max: 60_000 }).map(zeros),
      fc.constant<ReadAnswer>({ kind: 'reverted', data: new Uint8Array(8192) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(answer, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (answers, credit) => {
          const body = await pack(answers, credit)
          expect(packets(body)).toBeLessThanOrEqual(credit)
          const unpacked = unpack(body)
          expect(unpacked.answers).toHaveLength(answers.length)
          const out = unpacked.answers.filter(leftOut)
          const all = await pack(answers, 255)
          if (packets(all) <= credit) expect(out).toEqual([])
          else expect(out.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: 40 },
    )
  })
})

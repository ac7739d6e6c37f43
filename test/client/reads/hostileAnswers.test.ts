import { deflateRawSync } from 'node:zlib'
import { afterEach, describe, expect, it } from '@jest/globals'
import { encodeReadAnswers, type ReadAnswer, type ReplyBody } from '@veilcast/shared/protocol'
import { patient, type Stage, setStage } from '../../support/client.ts'
import { answering, failed, json, resultsOf } from '../../support/reads.ts'
import { until } from '../../support/until.ts'

const chain = 'eip155:1'
let stage: Stage
afterEach(() => stage?.close())
const text = (value: string): ReadAnswer => ({ kind: 'result', result: new TextEncoder().encode(value) })
const deflated = (answers: Uint8Array): ReplyBody => ({ kind: 'results', packing: 'deflate', answers })
const packed = (answers: readonly ReadAnswer[]): ReplyBody =>
  deflated(Uint8Array.from(deflateRawSync(encodeReadAnswers({ height: 1n, freshMs: 0, answers }))))
const nested = (depth: number) => text('['.repeat(depth) + ']'.repeat(depth))

const forTwo: readonly { what: string; body: ReplyBody }[] = [
  { what: 'fewer answers than reads', body: resultsOf([json(1)]) },
  { what: 'more answers than reads', body: resultsOf([json(1), json(2), json(3)]) },
  { what: 'no answers', body: resultsOf([]) },
  {
    what: 'no answers that can be read',
    body: { kind: 'results', packing: 'plain', answers: new Uint8Array(40) },
  },
  {
    what: 'an answer of a kind that there is not',
    body: { kind: 'results', packing: 'plain', answers: Uint8Array.of(...new Array(12).fill(0), 2, 9, 9) },
  },
  { what: 'no DEFLATE stream', body: deflated(new Uint8Array(40).fill(7)) },
  {
    what: 'a DEFLATE stream that swells to 2 MiB',
    body: deflated(Uint8Array.from(deflateRawSync(Buffer.alloc(1 << 21)))),
  },
  { what: 'garbage for JSON', body: resultsOf([text('{"a":'), text('\u0000')]) },
  {
    what: 'bytes that are no UTF-8',
    body: resultsOf([{ kind: 'result', result: Uint8Array.of(0x22, 0xff, 0x22) }, text('')]),
  },
  { what: 'JSON that nests 65 deep, or 30,000', body: packed([nested(65), nested(30_000)]) },
]

describe('a broadcaster that answers two reads with', () => {
  const two = () => Promise.allSettled(['a', 'b'].map((method) => stage.client.read({ chain, method })))

  it.each(forTwo)('$what: readFailed, and what comes next is answered', async ({ body }) => {
    stage = await setStage([(asked) => asked.answer(body)], { timing: patient })
    for (const outcome of await two()) {
      expect(outcome).toMatchObject({ reason: { errorName: 'readFailed', outcome: 'notSent' } })
    }
    stage.broadcasters[0]!.does(answering(({ method }) => json(method)))
    expect(await two()).toMatchObject([{ value: 'a' }, { value: 'b' }])
    expect(stage.warnings).toEqual([])
  })

  it.each(forTwo)('$what: the next broadcaster is asked, where there is one', async ({ body }) => {
    stage = await setStage([(asked) => asked.answer(body), answering(({ method }) => json(method))], {
      timing: patient,
    })
    expect(await two()).toMatchObject([{ value: 'a' }, { value: 'b' }])
    const had = stage.broadcasters[0]!.asked.length
    await stage.client.read({ chain, method: 'c' })
    expect(stage.broadcasters[0]!.asked).toHaveLength(had)
  })

  it('one answer and garbage: the one is given', async () => {
    stage = await setStage([(asked) => asked.answer(resultsOf([json({ fine: true }), text('[')]))], {
      timing: patient,
    })
    expect(await two()).toMatchObject([{ value: { fine: true } }, { reason: { errorName: 'readFailed' } }])
  })

  it('JSON that nests 64 deep: it is given', async () => {
    stage = await setStage([(asked) => asked.answer(resultsOf([nested(64), json(1)]))], { timing: patient })
    expect(await two()).toMatchObject([{ status: 'fulfilled' }, { value: 1 }])
  })

  it('errors of any number: one that it may not speak of is internal', async () => {
    for (const number of [0, 122, 1_001, 65_535]) {
      stage = await setStage([
        (asked) =>
          asked.answer(
            resultsOf([
              { kind: 'failed', error: { number, outcome: 'onChain', values: [], label: '' } },
              json(1),
            ]),
          ),
      ])
      const [first, second] = await two()
      expect(first).toMatchObject({
        reason: { errorName: number === 122 ? 'readFailed' : 'internal', outcome: 'notSent' },
      })
      expect(second).toMatchObject({ value: 1 })
      await stage.close()
    }
  })

  it('an answer twice, and one to nothing: each is counted, and neither is believed', async () => {
    stage = await setStage(
      [
        (asked) => {
          asked.answer(resultsOf([json(1), json(2)], { freshMs: 60_000 }))
          asked.answer(resultsOf([json(8), json(9)], { freshMs: 60_000 }))
          asked.answer(resultsOf([json(8), json(9)]), { id: new Uint8Array(16) })
        },
      ],
      { timing: patient },
    )
    expect(await two()).toMatchObject([{ value: 1 }, { value: 2 }])
    expect(await two()).toMatchObject([{ value: 1 }, { value: 2 }])
    await until(async () => stage.client.ignored.unasked === 2)
    expect(stage.client.ignored).toEqual({ garbage: 0, unasked: 2, unfit: 0 })
  })

  it('a size for an answer that no SURBs were asked for: not one SURB more than a message may have', async () => {
    for (const sizeBytes of [0, 1, 2 ** 40]) {
      stage = await setStage([answering(() => failed('answerTooLarge', { sizeBytes, limitBytes: 0 }))], {
        timing: patient,
      })
      for (const outcome of await two())
        expect(outcome).toMatchObject({ reason: { errorName: 'answerTooLarge' } })
      expect(stage.client.reads.sent).toBeLessThanOrEqual(2)
      await stage.close()
    }
  })
})

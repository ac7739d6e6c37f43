import { afterEach, describe, expect, it } from '@jest/globals'
import { replyPackets, requestPackets } from '@veilcast/shared/mixnet'
import { encodeReadAnswers, encodeRequest } from '@veilcast/shared/protocol'
import { packAnswers } from '../../../broadcaster/dist/ingress/packAnswers.js'
import { type Asked, patient, type Stage, setStage } from '../../support/client.ts'
import { failed, json, readsOf, resultsOf } from '../../support/reads.ts'

const chain = 'eip155:1'
/** JSON that does not deflate well. */
const noise = (length: number) =>
  Array.from({ length }, () => String.fromCharCode(0x23 + Math.floor(Math.random() * 57))).join('')

let stage: Stage
afterEach(() => stage?.close())
const asked = () => stage.broadcasters[0]!.asked
const surbs = () => asked().map(({ request }) => request.surbs)
const read = (method: string, params: readonly unknown[] = [], maxResultBytes?: number) =>
  stage.client.read({ chain, method, params, ...(maxResultBytes ? { maxResultBytes } : {}) })

/** Packs as a broadcaster does, for the SURBs that came along; the values are by method. */
const honest = (values: Record<string, unknown>) => async (one: Asked) =>
  one.answer(
    await packAnswers(
      { height: 9n, freshMs: 0, answers: readsOf(one).map(({ method }) => json(values[method])) },
      one.request.surbs,
    ),
  )

describe('SURBs for answers', () => {
  it('default: a short read takes one packet, with those that ride free', async () => {
    stage = await setStage([honest({ eth_gasPrice: '0x1' })], { timing: patient })
    await read('eth_gasPrice')
    expect(surbs()).toEqual([3])
    const { request } = asked()[0]!
    expect(requestPackets(encodeRequest(request).length, request.surbs)).toBe(1)
    expect(stage.client.reads).toMatchObject({ surbs: 3, packetsUp: 1, packetsDown: 1 })
  })

  it('behavior: at first contact those that answers of this kind are likely to take', async () => {
    stage = await setStage([honest({ eth_getBlockByNumber: noise(9_000) })], { timing: patient })
    await read('eth_getBlockByNumber', ['latest', false])
    expect(stage.client.reads.sent).toBe(1)
  })

  it('behavior: what is longer is asked for once more, alone, and from then on expected', async () => {
    const values = { a: noise(30), long: noise(9_000), b: noise(40) }
    stage = await setStage([honest(values)], { timing: patient })
    expect(await Promise.all([read('a'), read('long'), read('b')])).toEqual([values.a, values.long, values.b])
    expect(asked().map((one) => readsOf(one).map(({ method }) => method))).toEqual([
      ['a', 'long', 'b'],
      ['long'],
    ])
    await Promise.all([read('b'), read('long'), read('a')])
    await read('long', ['of other things'])
    expect(stage.client.reads.sent).toBe(4)
    const packets = replyPackets(9_000)
    for (const attached of surbs().slice(1)) {
      expect(attached).toBeGreaterThanOrEqual(packets)
      expect(attached).toBeLessThan(packets + 6)
    }
  })

  it('behavior: several that are too long are asked for together, and in two messages where one has not SURBs enough', async () => {
    const values: Record<string, string> = {}
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) values[name] = noise(15_000)
    stage = await setStage([honest(values)], { timing: patient })
    expect(await Promise.all(Object.keys(values).map((name) => read(name)))).toEqual(Object.values(values))
    const sizes = asked().map((one) => readsOf(one).length)
    expect(sizes[0]).toBe(8)
    expect(sizes.slice(1).reduce((sum, size) => sum + size, 0)).toBe(8)
    expect(sizes.length).toBeGreaterThan(2)
    for (const attached of surbs()) expect(attached).toBeLessThanOrEqual(50)
  })

  it('behavior: what was long once and is short now is expected to be shorter, by and by', async () => {
    const values = { m: noise(12_000) }
    stage = await setStage([honest(values)], { timing: patient })
    await read('m')
    values.m = 'short'
    for (let turn = 0; turn < 20; turn++) await read('m', ['of other things', turn])
    expect(surbs().at(-1)).toBe(3)
  })

  it('behavior: not more than maxResultBytes, whether the broadcaster counts them or sends them', async () => {
    stage = await setStage([honest({ m: noise(9_000) })], { timing: patient })
    await expect(read('m', [], 5_000)).rejects.toMatchObject({
      errorName: 'answerTooLarge',
      outcome: 'notSent',
    })
    expect(stage.client.reads.sent).toBe(1)
    expect(await read('m')).toHaveLength(9_000)
    await expect(read('m', [], 9_001)).rejects.toMatchObject({
      errorName: 'answerTooLarge',
      values: { sizeBytes: 9_002n, limitBytes: 9_001n },
    })
  })

  it('behavior: of two who ask the same the one that wants so much gets it', async () => {
    stage = await setStage([honest({ m: noise(9_000) })], { timing: patient })
    const [small, large] = await Promise.allSettled([read('m', [], 100), read('m')])
    expect(small).toMatchObject({ reason: { errorName: 'answerTooLarge' } })
    expect(large).toMatchObject({ status: 'fulfilled' })
  })

  it('error: an answer that no message has SURBs for, and one that grows each time it is asked for', async () => {
    stage = await setStage([honest({ m: noise(65_000) })], { timing: patient })
    expect(await read('m', [], 65_536)).toHaveLength(65_000)
    stage.broadcasters[0]!.does((one) =>
      one.answer(resultsOf([failed('answerTooLarge', { sizeBytes: 80_000, limitBytes: 9 })])),
    )
    await expect(read('n', [], 65_536)).rejects.toMatchObject({ errorName: 'answerTooLarge' })
    let size = 2_000
    const before = stage.client.reads.sent
    stage.broadcasters[0]!.does((one) => {
      size += 2_000
      one.answer(resultsOf([failed('answerTooLarge', { sizeBytes: size, limitBytes: 9 })]))
    })
    await expect(read('o')).rejects.toMatchObject({
      errorName: 'answerTooLarge',
      values: { sizeBytes: 6_000n },
    })
    expect(stage.client.reads.sent - before).toBe(2)
  })

  it('behavior: what was deflated is learned as it came, not as it was', async () => {
    stage = await setStage([honest({ m: 'x'.repeat(15_000) })], { timing: patient })
    await read('m')
    await read('m', ['of other things'])
    expect(surbs()).toEqual([3, 3])
    const plain = encodeReadAnswers({ height: 1n, freshMs: 0, answers: [json('x'.repeat(15_000))] })
    expect(stage.client.reads.bytesDown).toBeLessThan(plain.length / 50)
  })
})

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  type Asked,
  accepted,
  final,
  included,
  patient,
  type Stage,
  setStage,
  signTransfer,
  submitted,
} from '../../support/client.ts'
import { answering, failed, json, readsOf, resultsOf, startClock } from '../../support/reads.ts'

const chain = 'eip155:1'
const freshMs = 5_000

let stage: Stage
let clock: ReturnType<typeof startClock>
let count = 0
beforeEach(() => {
  clock = startClock()
  count = 0
})
afterEach(async () => {
  await stage?.close()
  clock.stop()
})
const read = (method: string, params: readonly unknown[] = ['latest']) =>
  stage.client.read({ chain, method, params })
/** Each answer is another number. */
const counting = (told = { freshMs }) => answering(() => json(++count), told)

describe('answers from memory', () => {
  it('default: until the next block is due, and no longer', async () => {
    stage = await setStage([counting()], { timing: patient })
    expect(await read('eth_getBalance')).toBe(1)
    clock.skip(freshMs - 1_000)
    expect(await read('eth_getBalance')).toBe(1)
    expect(await read('eth_getBalance', ['earliest'])).toBe(2)
    clock.skip(1_000)
    expect(await read('eth_getBalance')).toBe(3)
    expect(stage.client.reads).toMatchObject({ asked: 4, fromMemory: 1, sent: 3 })
  })

  it('behavior: a broadcaster that says they hold for days is believed for 15 s', async () => {
    stage = await setStage([counting({ freshMs: 0xffff_ffff })], { timing: patient })
    await read('eth_getBalance')
    clock.skip(14_000)
    expect(await read('eth_getBalance')).toBe(1)
    clock.skip(1_001)
    expect(await read('eth_getBalance')).toBe(2)
    expect(stage.client.head(chain)!.freshUntilMs - performance.now()).toBeLessThanOrEqual(15_000)
  })

  it('behavior: an answer that was long on its way is given for what is left of 30 s since it was asked for', async () => {
    stage = await setStage([() => undefined], { timing: patient })
    const first = read('m')
    const one = await stage.broadcasters[0]!.had(1)
    clock.skip(26_000)
    one.answer(resultsOf([json('old')], { freshMs: 15_000 }))
    expect([await first, await read('m')]).toEqual(['old', 'old'])
    stage.broadcasters[0]!.does(counting())
    clock.skip(4_001)
    expect(await read('m')).toBe(1)
  })

  it('behavior: a broadcaster that does not know how long, or says 0, is asked each time', async () => {
    stage = await setStage([counting({ freshMs: 0 })], { timing: patient })
    expect([await read('m'), await read('m')]).toEqual([1, 2])
  })

  it('behavior: never what is asked of pending transactions, wherever the word stands', async () => {
    stage = await setStage([counting()], { timing: patient })
    for (const params of [['0x11', 'pending'], [{ fromBlock: 'pending' }]]) {
      const first = await read('m', params)
      expect(await read('m', params)).not.toBe(first)
    }
    expect(stage.client.reads.fromMemory).toBe(0)
  })

  it('behavior: never a failure, and never a revert', async () => {
    const answers = [
      failed('readFailed'),
      { kind: 'reverted', data: new Uint8Array() } as const,
      json('well'),
    ]
    stage = await setStage([(asked) => asked.answer(resultsOf([answers.shift()!], { freshMs }))], {
      timing: patient,
    })
    await expect(read('m')).rejects.toMatchObject({ errorName: 'readFailed' })
    await expect(read('m')).rejects.toMatchObject({ errorName: 'callReverted' })
    expect(await read('m')).toBe('well')
  })

  it("behavior: what a block's own hash names outlives the block, for ten minutes; what is not there does not", async () => {
    stage = await setStage(
      [
        answering(({ method }) => json(method === 'eth_getBlockByHash' ? { count: ++count } : null), {
          freshMs,
        }),
      ],
      { timing: patient },
    )
    const hash = `0x${'bb'.repeat(32)}`
    await read('eth_getBlockByHash', [hash, false])
    await read('eth_getTransactionByBlockHashAndIndex', [hash, '0x0'])
    clock.skip(590_000)
    expect(await read('eth_getBlockByHash', [hash, false])).toEqual({ count: 1 })
    await read('eth_getTransactionByBlockHashAndIndex', [hash, '0x0'])
    clock.skip(10_001)
    expect(await read('eth_getBlockByHash', [hash, false])).toEqual({ count: 2 })
    expect(stage.client.reads).toMatchObject({ asked: 5, fromMemory: 1 })
  })

  it('behavior: bounded by entries: the oldest go first', async () => {
    stage = await setStage([counting({ freshMs: 15_000 })], { timing: patient })
    const all = (from: number, to: number) =>
      Promise.all(Array.from({ length: to - from }, (_, index) => read('m', [from + index])))
    await all(0, 512)
    await read('m', [512])
    const { fromMemory } = stage.client.reads
    await read('m', [512])
    await read('m', [1])
    expect(stage.client.reads.fromMemory - fromMemory).toBe(2)
    await read('m', [0])
    expect(stage.client.reads.fromMemory - fromMemory).toBe(2)
  })

  it('behavior: bounded by bytes, of what is asked too', async () => {
    stage = await setStage([counting({ freshMs: 15_000 })], { timing: patient })
    const long = 'a'.repeat(16_000)
    for (let from = 0; from < 160; from += 32) {
      await Promise.all(Array.from({ length: 32 }, (_, index) => read('m', [long, from + index])))
    }
    const { fromMemory } = stage.client.reads
    for (let index = 0; index < 160; index++) void read('m', [long, index]).catch(() => undefined)
    // 4 MiB hold 130 of 32 kB.
    const kept = stage.client.reads.fromMemory - fromMemory
    expect(kept).toBeGreaterThan(120)
    expect(kept).toBeLessThanOrEqual(131)
  })

  it('behavior: a caller gets a copy of its own each time', async () => {
    stage = await setStage([answering(() => json({ list: [1] }), { freshMs })], { timing: patient })
    const first = (await read('m')) as { list: number[] }
    first.list.push(2)
    expect(await read('m')).toEqual({ list: [1] })
  })
})

describe('forgetting', () => {
  const submits = (asked: Asked) => asked.request.body.kind === 'submit'
  const other = { chain: 'eip155:2', method: 'm' }

  it('default: a submit on that chain, and each state that is heard, and no other chain’s answers', async () => {
    const transfer = await signTransfer()
    const counts = counting()
    stage = await setStage(
      [(asked) => (submits(asked) ? undefined : counts(asked))],
      { timing: patient },
      transfer.hash,
    )
    expect([await read('m'), await stage.client.read(other)]).toEqual([1, 2])

    const stages: string[] = []
    const values: unknown[] = []
    const receipt = stage.client.submit(
      { chain, signedTx: transfer.signedTx, until: 'final', everyStage: true },
      { onProgress: ({ stage }) => stages.push(stage) },
    )
    await stage.broadcasters[0]!.had(3)
    const submit = stage.broadcasters[0]!.asked[2]!
    values.push(await read('m'), await read('m'))
    for (const [index, state] of [accepted, submitted, included].entries()) {
      submit.state(state, index + 1)
      while (stages.at(-1) !== state.stage) await new Promise((resolve) => setTimeout(resolve, 2))
      values.push(await read('m'), await read('m'))
    }
    submit.state(final, 9)
    await receipt
    values.push(await read('m'))
    expect(values).toEqual([3, 3, 4, 4, 5, 5, 6, 6, 7])
    expect(await stage.client.read(other)).toBe(2)
  })

  it('behavior: an answer under way when the submit leaves is given to who waits, and to nobody after', async () => {
    const transfer = await signTransfer()
    const waiting: Asked[] = []
    stage = await setStage(
      [(asked) => (submits(asked) ? asked.state(accepted, 1) : waiting.push(asked))],
      { timing: patient },
      transfer.hash,
    )
    const before = read('m')
    await stage.broadcasters[0]!.had(1)
    await stage.client.submit({ chain, signedTx: transfer.signedTx, until: 'accepted' })
    const after = read('m')
    await stage.broadcasters[0]!.had(3)
    waiting[0]!.answer(resultsOf([json('before')], { freshMs }))
    expect(await before).toBe('before')
    const third = read('m')
    waiting[1]!.answer(resultsOf([json('after')], { freshMs }))
    expect(await Promise.all([after, third, after.then(() => read('m'))])).toEqual([
      'after',
      'after',
      'after',
    ])
    expect(stage.client.reads).toMatchObject({ asked: 4, shared: 1, fromMemory: 1 })
  })

  it('behavior: a status that is heard does so too', async () => {
    const transfer = await signTransfer()
    const counts = counting()
    stage = await setStage(
      [(asked) => (asked.request.body.kind === 'status' ? asked.state(included, 3) : counts(asked))],
      { timing: patient },
      transfer.hash,
    )
    await read('m')
    await stage.client.status({ submitId: '00'.repeat(16), chain, txId: transfer.txId })
    expect(await read('m')).toBe(2)
  })
})

describe('head', () => {
  it('default: what the last answer told, without a message', async () => {
    let height = 100n
    stage = await setStage([(asked) => asked.answer(resultsOf([json(1)], { height, freshMs }))], {
      timing: patient,
    })
    expect(stage.client.head(chain)).toBeUndefined()
    await read('a')
    const first = stage.client.head(chain)!
    expect(first.height).toBe(100n)
    expect(first.freshUntilMs - performance.now()).toBeGreaterThan(freshMs - 2_000)
    // A reorganisation, or a broadcaster that knows less.
    height = 99n
    await read('b')
    expect(stage.client.head(chain)!.height).toBe(99n)
    height = 0n
    await read('c')
    expect(stage.client.head(chain)!.height).toBe(99n)
    expect(stage.client.head('eip155:2')).toBeUndefined()
    expect(stage.client.reads.sent).toBe(3)
  })

  it('behavior: an answer to an earlier question does not take it back', async () => {
    stage = await setStage([() => undefined], { timing: patient })
    const early = read('a')
    const one = await stage.broadcasters[0]!.had(1)
    const late = read('b')
    const two = await stage.broadcasters[0]!.had(2)
    two.answer(resultsOf([json(1)], { height: 8n, freshMs }))
    await late
    one.answer(resultsOf([json(1)], { height: 7n, freshMs }))
    await early
    expect(stage.client.head(chain)!.height).toBe(8n)
  })

  it('behavior: is fresh no more once a submit leaves', async () => {
    const transfer = await signTransfer()
    const counts = counting()
    stage = await setStage(
      [(asked) => (submitKind(asked) ? asked.state(accepted, 1) : counts(asked))],
      { timing: patient },
      transfer.hash,
    )
    await read('m')
    await stage.client.submit({ chain, signedTx: transfer.signedTx, until: 'accepted' })
    expect(stage.client.head(chain)!.freshUntilMs).toBeLessThanOrEqual(performance.now())
    expect(readsOf(stage.broadcasters[0]!.asked[0]!)).toHaveLength(1)
  })
})

const submitKind = (asked: Asked) => asked.request.body.kind === 'submit'

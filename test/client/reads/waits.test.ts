import { afterEach, describe, expect, it } from '@jest/globals'
import type { VeilcastError } from '@veilcast/client'
import { failure, patient, quick, type Stage, setStage, silent } from '../../support/client.ts'
import { answering, failed, json, readsOf, resultsOf } from '../../support/reads.ts'
import { until } from '../../support/until.ts'

const chain = 'eip155:1'
const read = (method: string, options = {}) => stage.client.read({ chain, method }, options)
const nameOf = (error: VeilcastError) => [error.errorName, error.outcome]

let stage: Stage
afterEach(() => stage?.close())

describe('giving up', () => {
  it('behavior: one that aborts, or runs out of time, leaves those it travels with, and those who ask the same', async () => {
    stage = await setStage([silent], { timing: patient })
    const aborter = new AbortController()
    const aborted = read('a', { signal: aborter.signal }).catch(nameOf)
    const late = read('b', { timeoutMs: 1_000 }).catch(nameOf)
    const same = read('a')
    const other = read('c')
    const one = await stage.broadcasters[0]!.had(1)
    aborter.abort()
    expect(await aborted).toEqual(['aborted', 'notSent'])
    expect(await late).toEqual(['replyTimeout', 'notSent'])
    one.answer(resultsOf(readsOf(one).map(({ method }) => json(method))))
    expect(await Promise.all([same, other])).toEqual(['a', 'c'])
    expect(stage.broadcasters[0]!.asked).toHaveLength(1)
  })

  it('behavior: a message is given up with the last who waits for it, and is repeated no more', async () => {
    stage = await setStage([silent], { timing: quick })
    const aborters = [new AbortController(), new AbortController()]
    const both = aborters.map(({ signal }, index) => read(`m${index}`, { signal }).catch(nameOf))
    await stage.broadcasters[0]!.had(2)
    aborters[0]!.abort()
    await stage.broadcasters[0]!.had(3)
    aborters[1]!.abort()
    expect(await Promise.all(both)).toEqual([
      ['aborted', 'notSent'],
      ['aborted', 'notSent'],
    ])
    const had = stage.broadcasters[0]!.asked.length
    const one = stage.broadcasters[0]!.asked[0]!
    one.answer(resultsOf([json(1), json(2)]))
    await until(async () => stage.client.ignored.unasked === 1)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(stage.broadcasters[0]!.asked).toHaveLength(had)
  })

  it('behavior: what is aborted before it leaves never does, and costs nothing', async () => {
    stage = await setStage([answering(() => json(1))], { timing: patient })
    const aborter = new AbortController()
    const gone = read('a', { signal: aborter.signal }).catch(nameOf)
    aborter.abort()
    expect(await gone).toEqual(['abortedBeforeSending', 'notSent'])
    expect(await read('b', { signal: AbortSignal.abort() }).catch(nameOf)).toEqual([
      'abortedBeforeSending',
      'notSent',
    ])
    await read('c')
    expect(stage.broadcasters[0]!.asked.flatMap(readsOf).map(({ method }) => method)).toEqual(['c'])
  })

  it('behavior: who joins an equal question waits for its own time, not for that of who asked first', async () => {
    stage = await setStage([silent], { timing: patient })
    const first = read('a', { timeoutMs: 1_000 }).catch(nameOf)
    const second = read('a', { timeoutMs: 60_000 })
    expect(await first).toEqual(['replyTimeout', 'notSent'])
    const one = stage.broadcasters[0]!.asked[0]!
    one.answer(resultsOf([json('there')]))
    expect(await second).toBe('there')
  })

  it('error: out of time while the broadcaster had no room, or while the mixnet took nothing', async () => {
    stage = await setStage([(asked) => asked.answer(failure('busy', { retryAfterMs: 1 }))], { timing: quick })
    await expect(read('a', { timeoutMs: 1_000 })).rejects.toMatchObject({
      errorName: 'replyTimeout',
      cause: { errorName: 'busy' },
    })
    await stage.dialer.stop()
    await expect(read('b', { timeoutMs: 100 })).rejects.toMatchObject({
      errorName: 'mixnetUnavailable',
      outcome: 'notSent',
    })
  })

  it('error: a stop ends them all, those that have not left too, and a new start asks anew', async () => {
    stage = await setStage([answering(() => json('old'), { freshMs: 10_000 })], { timing: patient })
    await read('kept')
    stage.broadcasters[0]!.does(silent)
    const left = read('a').catch(nameOf)
    await stage.broadcasters[0]!.had(2)
    const gathering = read('b').catch(nameOf)
    await stage.client.stop()
    expect(await Promise.all([left, gathering])).toEqual([
      ['clientStopped', 'notSent'],
      ['clientStopped', 'notSent'],
    ])
    await expect(read('c')).rejects.toMatchObject({ errorName: 'notStarted' })
    await stage.client.start()
    stage.broadcasters[0]!.does(answering(() => json('new')))
    expect(await read('kept')).toBe('new')
  })
})

describe('several broadcasters', () => {
  it('behavior: a read that one cannot answer is asked of the next, alone, and nobody else waits for it', async () => {
    const order: string[] = []
    stage = await setStage(
      [
        answering(({ method }) => (method === 'archive' ? failed('noLiveEndpoint') : json('first'))),
        answering(() => json('second')),
      ],
      { timing: patient },
    )
    const answers = await Promise.all(
      ['a', 'archive', 'b'].map(async (method) => {
        const value = await read(method)
        order.push(method)
        return value
      }),
    )
    expect(answers).toEqual(['first', 'second', 'first'])
    expect(order).toEqual(['a', 'b', 'archive'])
    expect(stage.broadcasters.map(({ asked }) => asked.map((one) => readsOf(one).length))).toEqual([[3], [1]])
  })

  it('behavior: who answered last is asked first, so that a silent one is waited for once', async () => {
    stage = await setStage([silent, answering(() => json(1))], { timing: quick })
    await read('a')
    const had = stage.broadcasters[0]!.asked.length
    await read('b')
    expect(stage.broadcasters[0]!.asked).toHaveLength(had)
    stage.broadcasters[1]!.does(silent)
    stage.broadcasters[0]!.does(answering(() => json(2)))
    expect(await read('c')).toBe(2)
  })

  it('error: where none can answer, the last one says why', async () => {
    stage = await setStage(
      [answering(() => failed('noLiveEndpoint')), answering(() => failed('noLiveEndpoint'))],
      {
        timing: patient,
      },
    )
    await expect(read('a')).rejects.toMatchObject({ errorName: 'noLiveEndpoint', outcome: 'notSent' })
    expect(stage.client.reads.sent).toBe(2)
  })
})

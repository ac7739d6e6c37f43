import { describe, expect, it } from '@jest/globals'
import type { ReadAnswer } from '@veilcast/shared/protocol'
import { limitRate } from '../../../../broadcaster/dist/chains/reads/limitRate.js'
import { rememberAnswers } from '../../../../broadcaster/dist/chains/reads/rememberAnswers.js'
import { createShares } from '../../../../broadcaster/dist/ingress/shares.js'

const answer = (bytes: number): ReadAnswer => ({ kind: 'result', result: new Uint8Array(bytes) })

describe('rememberAnswers', () => {
  it('default: forgets what was not asked for the longest, by count and by bytes', () => {
    const few = rememberAnswers({ maxEntries: 2, maxBytes: 1_000_000 })
    few.set('a', answer(1))
    few.set('b', answer(2))
    expect(few.get('a')).toEqual(answer(1))
    few.set('c', answer(3))
    expect(['a', 'b', 'c'].map((key) => few.get(key)?.kind)).toEqual(['result', undefined, 'result'])

    const small = rememberAnswers({ maxEntries: 100, maxBytes: 10_000 })
    small.set('huge', answer(20_000))
    expect(small.get('huge')).toBeUndefined()
    for (let i = 0; i < 10; i++) small.set('same', answer(4_000))
    small.set('other', answer(4_000))
    expect([small.get('same'), small.get('other')]).toEqual([answer(4_000), answer(4_000)])
    small.set('third', answer(4_000))
    expect(small.get('same')).toBeUndefined()
  })
})

describe('limitRate', () => {
  it('default: a second’s calls at once, then as they come back; who asks for more waits for a full second', () => {
    let nowMs = 0
    const rate = limitRate(10, () => nowMs)
    expect(rate.take(8)).toBe(0)
    expect(rate.take(4)).toBe(200)
    nowMs += 200
    expect(rate.take(4)).toBe(0)
    nowMs += 10_000
    expect(rate.take(32)).toBe(0)
    expect(rate.take(1)).toBe(2_300)
  })
})

describe('createShares', () => {
  it('default: so many for all and so many for one, until they are given back', () => {
    const shares = createShares<string>({ max: 3, maxEach: 2 })
    const first = shares.take('a')
    expect(shares.take('a')).toBeDefined()
    expect(shares.take('a')).toBeUndefined()
    expect(shares.take('b')).toBeDefined()
    expect(shares.take('c')).toBeUndefined()
    first?.()
    expect(shares.take('c')).toBeDefined()
  })
})

import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { rememberBriefly } from '../../../../broadcaster/dist/chains/endpoints/rememberBriefly.js'

function setUp(maxExtendedMs?: number) {
  let nowMs = 1_000
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs)
  let reads = 0
  const remembered = rememberBriefly<string, number>({
    read: async () => ++reads * 100,
    maxAgeMs: 1_000,
    maxEntries: 2,
    ...(maxExtendedMs === undefined ? {} : { maxExtendedMs }),
  })
  return {
    ...remembered,
    reads: () => reads,
    pass(ms: number) {
      nowMs += ms
    },
  }
}

afterEach(() => void jest.restoreAllMocks())

describe('rememberBriefly', () => {
  it('default: one read for a second, and a new one then', async () => {
    const { get, reads, pass } = setUp()
    expect(await Promise.all([get('a'), get('a')])).toEqual([100, 100])
    pass(999)
    expect(await get('a')).toBe(100)
    pass(1)
    expect(await get('a')).toBe(200)
    expect(reads()).toBe(2)
  })

  it('behavior: extended it holds anew and changed, ten seconds at most', async () => {
    const { get, extend, reads, pass } = setUp(10_000)
    await get('a')
    let left = 100
    for (let ms = 0; ms < 10_000; ms += 900) {
      pass(900)
      extend('a', (value) => value - 1)
      expect(await get('a')).toBe(--left)
    }
    expect(reads()).toBe(1)
    pass(900)
    extend('a', (value) => value - 1)
    expect(await get('a')).toBe(200)
  })

  it('behavior: what is too old is not made young, nor what nobody has read', async () => {
    const { get, extend, pass } = setUp(10_000)
    extend('a', () => 7)
    expect(await get('a')).toBe(100)
    pass(1_000)
    extend('a', () => 7)
    expect(await get('a')).toBe(200)
  })

  it('behavior: what came from elsewhere is as if it were read; the oldest goes', async () => {
    const { get, put, reads } = setUp()
    put('a', 7)
    expect(await get('a')).toBe(7)
    await get('b')
    await get('c')
    expect(await get('a')).toBe(300)
    expect(reads()).toBe(3)
  })
})

import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { lookAhead } from '../../../broadcaster/dist/stages/lookAhead.js'

describe('lookAhead', () => {
  const { signal } = new AbortController()

  it('behavior: takes in order what was found in any order, no more at once than the width says', async () => {
    const taken: bigint[] = []
    let underWay = 0
    let width = 1
    let isTaking = false
    await lookAhead(
      { first: 5n, last: 24n, width: () => width, signal },
      async (height) => {
        expect(++underWay).toBeLessThanOrEqual(width)
        await delay(height % 3n === 0n ? 9 : 1)
        underWay--
        return height
      },
      async (found) => {
        expect(isTaking).toBe(false)
        isTaking = true
        await delay(1)
        isTaking = false
        taken.push(found)
        width = taken.length < 10 ? 4 : 2
        return true
      },
    )
    expect(taken).toEqual(Array.from({ length: 20 }, (_, index) => BigInt(index + 5)))
  })

  it.each([
    ['what is taken ends it', (height: bigint) => Promise.resolve(height)],
    [
      'a look fails',
      (height: bigint) => (height === 3n ? Promise.reject(new Error('no block')) : delay(1, height)),
    ],
  ])('behavior: %s, and nothing of it runs on', async (name, find) => {
    let underWay = 0
    const aborted: bigint[] = []
    const ending = lookAhead(
      { first: 1n, last: 100n, width: () => 4, signal },
      async (height, own) => {
        underWay++
        try {
          if (height <= 3n) return await find(height)
          await delay(60_000, undefined, { signal: own }).catch(() => aborted.push(height))
          return height
        } finally {
          underWay--
        }
      },
      async (found) => found < 3n,
    )
    if (name === 'a look fails') await expect(ending).rejects.toThrow('no block')
    else await ending
    expect(underWay).toBe(0)
    expect(aborted).toEqual([4n, 5n, 6n])
  })

  it('behavior: ends with the signal it was given', async () => {
    const outer = new AbortController()
    const ending = lookAhead(
      { first: 1n, last: 9n, width: () => 2, signal: outer.signal },
      (_height, own) => delay(60_000, undefined, { signal: own }),
      async () => true,
    )
    outer.abort()
    await expect(ending).rejects.toMatchObject({ name: 'AbortError' })
  })
})

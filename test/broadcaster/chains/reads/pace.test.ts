import { describe, expect, it } from '@jest/globals'
import { createPace } from '../../../../broadcaster/dist/chains/reads/pace.js'

/** A chain whose blocks are seen `seenAfterMs` after their time, by a clock that has nothing to do with the chain's. */
function follow(intervalMs: number, blocks: number, { seenAfterMs = 50, granularityMs = 1 } = {}) {
  let nowMs = 0
  const pace = createPace(() => nowMs)
  const chainStartMs = 1_700_000_000_000
  for (let block = 0; block < blocks; block++) {
    nowMs = 5_000 + block * intervalMs + seenAfterMs
    const timeMs = chainStartMs + block * intervalMs
    pace.saw(BigInt(100 + block), Math.floor(timeMs / granularityMs) * granularityMs)
  }
  return {
    pace,
    wait(ms: number) {
      nowMs += ms
    },
  }
}

describe('pace', () => {
  it('default: the next block is due one interval after the last', () => {
    const { pace, wait } = follow(6_000, 5)
    expect(pace.intervalMs()).toBe(6_000)
    expect(pace.freshMs()).toBe(6_000)
    wait(4_000)
    expect(pace.freshMs()).toBe(2_000)
    wait(1_900)
    expect(pace.freshMs()).toBe(250)
  })

  it('behavior: unknown before two blocks were seen', () => {
    expect(follow(6_000, 1).pace.freshMs()).toBe(0)
    expect(createPace().freshMs()).toBe(0)
  })

  it('behavior: a block that was seen late makes the next one no later', () => {
    const { pace, wait } = follow(12_000, 3)
    wait(12_000 + 9_000)
    pace.saw(103n, 1_700_000_000_000 + 36_000)
    expect(pace.freshMs()).toBe(3_000)
  })

  it('behavior: no chain is fresh for longer than 15 s, and none is asked all the time', () => {
    expect(follow(60_000, 4).pace.freshMs()).toBe(15_000)
    const fast = follow(250, 60, { granularityMs: 1_000 })
    expect(fast.pace.freshMs()).toBeGreaterThanOrEqual(250)
    expect(fast.pace.freshMs()).toBeLessThanOrEqual(1_000)
    // As a chain that makes a block for each transaction only.
    const { pace, wait } = follow(1_000, 4)
    wait(3_600_000)
    expect(pace.freshMs()).toBe(1_000)
  })

  it('behavior: blocks taken back begin anew', () => {
    const { pace } = follow(2_000, 5)
    pace.saw(90n, 1_700_000_000_000)
    expect(pace.freshMs()).toBe(0)
  })
})

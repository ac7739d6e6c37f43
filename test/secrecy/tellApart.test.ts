import { describe, expect, it } from '@jest/globals'
import { tellApart, withoutDrift } from '../support/tellApart.ts'

/** Park and Miller's generator: the same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** As answers take: a floor, a tail. */
function times(random: () => number, shiftMs = 0): number[] {
  return Array.from({ length: 500 }, () => 0.6 + shiftMs - Math.log(random()) * 0.4)
}

describe('telling 500 times from 500 others', () => {
  it('default: nothing where there is nothing', () => {
    const random = seeded(7)
    const { pValue, auc } = tellApart(times(random), times(random))
    expect(pValue).toBeGreaterThan(0.05)
    expect(Math.abs(auc - 0.5)).toBeLessThan(0.05)
  })

  it('behavior: a shift of 0.1 ms', () => {
    const random = seeded(8)
    expect(tellApart(times(random), times(random, 0.1)).pValue).toBeLessThan(0.001)
  })

  it('behavior: a fifth that takes 2 ms longer', () => {
    const random = seeded(9)
    const slow = times(random).map((ms, index) => (index % 5 === 0 ? ms + 2 : ms))
    expect(tellApart(times(random), slow).pValue).toBeLessThan(0.001)
  })

  it('behavior: a shift on a machine that grows slower all the while, once that is taken away', () => {
    const random = seeded(11)
    const [fast, slow] = [times(random), times(random, 0.15)]
    const measured = fast.flatMap((ms, index) => [ms + index / 10, slow[index]! + index / 10])
    const kind = (list: number[], odd: number) => list.filter((_, index) => index % 2 === odd)
    expect(tellApart(kind(measured, 0), kind(measured, 1)).pValue).toBeGreaterThan(0.05)
    const still = withoutDrift(measured)
    expect(tellApart(kind(still, 0), kind(still, 1)).pValue).toBeLessThan(0.001)
  })

  it('behavior: two humps around the one, which no threshold and no rank shows', () => {
    const random = seeded(10)
    const one = times(random).map((ms) => 5 + ms)
    const two = times(random).map((ms, index) => (index % 2 === 0 ? ms : 10 + ms))
    const told = tellApart(one, two)
    expect(told.neighbourAccuracy).toBeGreaterThan(0.9)
    expect(told.pValue).toBeLessThan(0.001)
  })
})

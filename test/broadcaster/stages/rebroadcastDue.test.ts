import { describe, expect, it } from '@jest/globals'
import { rebroadcastDue } from '../../../broadcaster/dist/stages/rebroadcastDue.js'

describe('rebroadcastDue', () => {
  const minute = 60_000
  const looks = (hours: number, everyMs: number, startMs: number): number[] => {
    const due: number[] = []
    for (let ageMs = startMs; ageMs <= hours * 60 * minute; ageMs += everyMs) {
      if (rebroadcastDue(ageMs, minute, everyMs)) due.push(Math.floor(ageMs / minute))
    }
    return due
  }

  it('default: after a minute, then after pauses that double to ten minutes', () => {
    expect(looks(1, 30_000, 0)).toEqual([1, 2, 4, 8, 16, 26, 36, 46, 56])
  })

  it.each([1, 7_000, 29_999])('behavior: so many times, whenever the looks fall (%d ms)', (startMs) => {
    expect(looks(1, 30_000, startMs)).toHaveLength(9)
    expect(looks(24, 30_000, startMs).length).toBeLessThanOrEqual(147)
  })

  it('behavior: a first pause above the limit stays as it is once, then ten minutes', () => {
    const due = (ageMs: number) => rebroadcastDue(ageMs, 60 * minute, 30_000)
    expect([59, 60, 61, 70, 119, 120, 130].map((age) => due(age * minute))).toEqual([
      false,
      true,
      false,
      false,
      false,
      true,
      true,
    ])
  })
})

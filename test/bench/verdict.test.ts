import { describe, expect, it } from '@jest/globals'
import type { Ratio } from './Bench.ts'
import { pairedRatio, quantile } from './quantile.ts'
import type { Kept } from './Results.ts'
import { brokenLimits, judge } from './verdict.ts'
import { writePage } from './writePage.ts'

describe('what is made of samples', () => {
  it('default: quantiles lie between the samples', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(quantile([5], 0.95)).toBe(5)
    expect(() => quantile([], 0.5)).toThrow()
  })

  it('the interval of a ratio over pairs holds the true one, and is narrow where pairs agree', () => {
    // The same weather in both halves of a pair, which is far wider than what is looked for.
    const under = Array.from({ length: 500 }, (_, index) => 100 + 7 * (index % 50))
    const over = under.map((ms, index) => ms * 1.2 + (index % 3))
    const { value, interval } = pairedRatio(over, under, 0.5)
    expect(interval[0]).toBeLessThanOrEqual(value)
    expect(interval[1]).toBeGreaterThanOrEqual(value)
    expect(interval[0]).toBeGreaterThan(1.15)
    expect(interval[1]).toBeLessThan(1.25)
  })
})

describe('what is said of a figure', () => {
  const latency: Ratio = { name: 'p50', value: 1.2, floor: 'echo', aim: 1.1, limit: 1.25, better: 'lower' }
  const yieldOf: Ratio = { name: 'share', value: 0.4, floor: 'no-op', aim: 0.5, better: 'higher' }

  it('default: aim and limit, from the side that is better', () => {
    expect(judge(latency)).toBe('p50 = 1.20 of echo; aim 1.10, limit 1.25: aim missed, limit kept')
    expect(judge({ ...latency, value: 1.3 })).toContain('over the limit')
    expect(judge({ ...latency, value: 1.1 })).toContain('aim met')
    expect(judge(yieldOf)).toContain('aim missed')
    expect(judge({ ...yieldOf, limit: 0.45 })).toContain('under the limit')
  })

  it('behavior: a limit is broken by what is beyond it, and by what is no number', () => {
    const of = (ratio: Ratio) => brokenLimits([kept([ratio])]).length
    expect(of(latency)).toBe(0)
    expect(of({ ...latency, value: 1.26 })).toBe(1)
    expect(of({ ...latency, value: Number.NaN })).toBe(1)
    expect(of(yieldOf)).toBe(0)
    expect(of({ ...yieldOf, limit: 0.45 })).toBe(1)
  })

  it('the page shows each figure with its floor, its table and the command', () => {
    const page = writePage([kept([latency])], 'performance')
    expect(page).toContain('| [p50](#how-long) | 1.20 | echo | ≤ 1.10 | ≤ 1.25 | aim missed, limit kept |')
    expect(page).toContain('| a \\| b | 12,345 | – |')
    expect(page).toContain('`npm run bench -- how-long`, 90 s, 2026-01-02, on a machine.')
  })
})

function kept(ratios: readonly Ratio[]): Kept {
  return {
    name: 'how-long',
    title: 'How long',
    question: 'How long?',
    quick: false,
    seconds: 90,
    at: '2026-01-02T03:04:05Z',
    machine: 'a machine',
    tables: [
      {
        title: '',
        columns: [{ name: 'what' }, { name: 'count' }, { name: 'none' }],
        rows: [['a | b', 12345, null]],
      },
    ],
    ratios,
    charts: [],
    notes: [],
    leftOut: [],
  }
}

import { describe, expect, it } from '@jest/globals'
import { durationsSince, quantileOf } from '../../../broadcaster/dist/fleet/durations.js'
import type { FleetStatus } from '../../../broadcaster/dist/fleet/FleetStatus.js'
import { mergeSamples } from '../../../broadcaster/dist/fleet/Sample.js'
import { createTakeSample } from '../../../broadcaster/dist/fleet/takeSample.js'
import { aReport, aSample } from '../../support/fleet.ts'

const counts = (requests: number, failures: Record<string, number> = {}) => ({
  ...aReport().counts,
  requests: { submit: requests },
  failures,
})

function status(atMs: number, reports: readonly ReturnType<typeof aReport>[]): FleetStatus {
  return {
    atMs,
    store: { kind: 'redis', answers: true, durability: 'fsync' },
    processes: reports.map((report) => ({ report, heardMsAgo: 100, clockAheadMs: 0 })),
    chains: [],
    queues: [],
    recent: null,
    limits: { maxWaitingPerChain: 1, maxUnsentPerChain: 1 },
  }
}

describe('the samples of a fleet', () => {
  it('count what each process did meanwhile, also one that has just started, and none twice', () => {
    const take = createTakeSample()
    const old = (requests: number) =>
      aReport({ id: 'process-1', startedAtMs: 1_000, counts: counts(requests) })
    const fresh = aReport({ id: 'process-2', startedAtMs: 12_000, counts: counts(5, { busy: 2 }) })
    expect(take(status(10_000, [old(100)])).requests).toEqual({})
    const second = take(status(20_000, [old(130), fresh]))
    expect(second.requests).toEqual({ submit: 35 })
    expect(second.failures).toEqual({ busy: 2 })
    expect(second.spanMs).toBe(10_000)
    expect(take(status(30_000, [old(130), fresh])).requests).toEqual({})
  })

  it('begin without what was counted before anybody took them', () => {
    const take = createTakeSample()
    const report = aReport({
      id: 'process-1',
      stages: [{ chain: 'eip155:1', stage: 'final', durations: { '5': 4 } }],
    })
    expect(take(status(10_000, [report])).stages).toEqual({ 'eip155:1 final': {} })
    const more = {
      ...report,
      stages: [{ chain: 'eip155:1', stage: 'final', durations: { '5': 6, '10': 1 } }],
    }
    expect(take(status(20_000, [more])).stages).toEqual({ 'eip155:1 final': { '5': 2, '10': 1 } })
  })

  it('become one for the day: counts add up, and of what was read off the worst is kept', () => {
    const chain = { waiting: 1, live: 2, liveEndpoints: 2, endpoints: 2, height: 5, behind: 0 }
    const merged = mergeSamples([
      aSample({
        atMs: 10,
        processes: 2,
        requests: { submit: 1 },
        chains: { a: chain },
        roundTrips: { n: 900 },
      }),
      aSample({
        atMs: 20,
        processes: 1,
        requests: { submit: 2, status: 1 },
        chains: { a: { ...chain, waiting: 7, liveEndpoints: 1 } },
        roundTrips: { n: 700 },
      }),
    ])
    expect(merged).toMatchObject({
      atMs: 20,
      spanMs: 20_000,
      processes: 1,
      requests: { submit: 3, status: 1 },
      chains: { a: { waiting: 7, liveEndpoints: 1 } },
      roundTrips: { n: 900 },
    })
    expect(mergeSamples([])).toBeUndefined()
  })
})

describe('quantiles of durations', () => {
  it('lie within the bucket that holds their rank', () => {
    const durations = { '0.1': 50, '1': 45, '10': 5 }
    expect(quantileOf(durations, 0.5)).toBeCloseTo(0.1)
    expect(quantileOf(durations, 0.95)).toBeCloseTo(1)
    expect(quantileOf(durations, 0.99)).toBeGreaterThan(7)
    expect(quantileOf(durations, 0.99)).toBeLessThanOrEqual(10)
    expect(quantileOf({}, 0.5)).toBeNull()
    expect(quantileOf({ '+Inf': 3 }, 0.5)).toBe(1000)
  })

  it('come from what is new', () => {
    expect(durationsSince({ '1': 2, '2': 3 }, { '1': 2, '2': 4, '3': 1 })).toEqual({ '2': 1, '3': 1 })
  })
})

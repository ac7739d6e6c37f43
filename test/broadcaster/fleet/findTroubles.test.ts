import { describe, expect, it } from '@jest/globals'
import type { SeenProcess } from '../../../broadcaster/dist/fleet/Fleet.js'
import type { ChainStatus, EndpointStatus, FleetStatus } from '../../../broadcaster/dist/fleet/FleetStatus.js'
import { findTroubles } from '../../../broadcaster/dist/fleet/findTroubles.js'
import type { DisputeReport, ProcessReport } from '../../../broadcaster/dist/fleet/ProcessReport.js'
import { type TroubleCode, troubleCodes, troubles } from '../../../broadcaster/dist/fleet/troubles.js'
import { aReport, aSample } from '../../support/fleet.ts'

const now = 1_790_000_100_000
const minute = 60_000

function seen(changes: Partial<ProcessReport> = {}, more: Partial<SeenProcess> = {}): SeenProcess {
  return { report: aReport({ atMs: now, ...changes }), heardMsAgo: 1_000, clockAheadMs: 0, ...more }
}

function endpoint(changes: Partial<EndpointStatus> = {}): EndpointStatus {
  return {
    id: 'mine',
    operator: 'me',
    live: true,
    trouble: 'none',
    sinceMs: now - 10 * minute,
    height: 100,
    latencyMs: 20,
    score: 1,
    breaker: 'closed',
    requests: 100,
    failures: 0,
    liveIn: 1,
    askedBy: 1,
    ...changes,
  }
}

function chain(changes: Partial<ChainStatus> = {}): ChainStatus {
  return {
    chain: 'eip155:1',
    waiting: 0,
    live: 0,
    unsent: 0,
    matched: { height: 100, atMs: now - 1_000 },
    height: 100,
    heightSinceMs: now - 1_000,
    operators: 1,
    disputes: [],
    endpoints: [endpoint()],
    ...changes,
  }
}

function dispute(changes: Partial<DisputeReport> = {}): DisputeReport {
  return { height: 101, endpoints: ['mine', 'other'], sinceMs: now - 2 * minute, ...changes }
}

function status(changes: Partial<FleetStatus> = {}): FleetStatus {
  return {
    atMs: now,
    store: { kind: 'redis', answers: true, durability: 'fsync' },
    processes: [seen()],
    chains: [chain()],
    queues: [{ queue: 'submit', waiting: 0, active: 0, delayed: 0, failed: 0, paused: false }],
    recent: aSample({ atMs: now }),
    limits: { maxWaitingPerChain: 100, maxUnsentPerChain: 1_000 },
    ...changes,
  }
}

const codes = (changes: Partial<FleetStatus>): string[] =>
  findTroubles(status(changes)).map(({ code }) => code)
const aside = (trouble: string, changes: Partial<EndpointStatus> = {}): EndpointStatus =>
  endpoint({ live: false, trouble, liveIn: 0, ...changes })
const stages = (seconds: string, count: number) => ({ 'eip155:1 exposed': { [seconds]: count } })

/** Each trouble as it comes about, and what is a little short of it. */
const stories: Record<TroubleCode, { there: Partial<FleetStatus>; not: Partial<FleetStatus> }> = {
  storeAway: {
    there: { store: { kind: 'redis', answers: false, durability: 'memory' } },
    not: {},
  },
  storeNotDurable: {
    there: { store: { kind: 'redis', answers: true, durability: 'memory' } },
    not: {},
  },
  workersStopped: {
    there: { processes: [seen({ workers: false })] },
    not: { processes: [seen({ workers: false, state: 'starting' })] },
  },
  noWorker: {
    there: { processes: [seen({ role: 'ingress' })] },
    not: { processes: [seen({ role: 'ingress' }), seen({ role: 'worker', state: 'starting' })] },
  },
  noIngress: {
    there: { processes: [seen({ role: 'worker', mixnets: [] })] },
    not: { processes: [seen({ role: 'worker', mixnets: [] }), seen({ role: 'ingress' })] },
  },
  processGone: {
    there: { processes: [seen(), seen({ id: 'process-2', name: 'b' }, { heardMsAgo: 30_000 })] },
    not: {
      processes: [
        seen({ startedAtMs: now - minute }),
        seen({ id: 'process-2', atMs: now - 90_000 }, { heardMsAgo: 90_000 }),
      ],
    },
  },
  noLiveEndpoint: {
    there: { chains: [chain({ endpoints: [aside('unreachable'), aside('behind', { id: 'b' })] })] },
    not: { chains: [chain({ endpoints: [aside('unreachable'), endpoint({ id: 'b' })] })] },
  },
  oneOperatorLeft: {
    there: {
      chains: [chain({ operators: 2, endpoints: [endpoint(), aside('behind', { id: 'b', operator: 'b' })] })],
    },
    not: { chains: [chain({ operators: 1, endpoints: [endpoint(), aside('behind', { id: 'b' })] })] },
  },
  endpointSetAside: {
    there: { chains: [chain({ endpoints: [endpoint(), aside('rateLimited', { id: 'b' })] })] },
    not: {
      chains: [chain({ endpoints: [endpoint(), aside('rateLimited', { id: 'b', sinceMs: now - 5_000 })] })],
    },
  },
  endpointWrongChain: {
    there: { chains: [chain({ endpoints: [endpoint(), aside('wrongChain', { id: 'b' })] })] },
    not: { chains: [chain({ endpoints: [endpoint(), aside('behind', { id: 'b' })] })] },
  },
  endpointLied: {
    there: { chains: [chain({ endpoints: [endpoint(), aside('lied', { id: 'b', sinceMs: now })] })] },
    not: { chains: [chain({ endpoints: [endpoint(), aside('behind', { id: 'b' })] })] },
  },
  chainHalted: {
    there: { chains: [chain({ live: 1, heightSinceMs: now - 4 * minute })] },
    not: { chains: [chain({ live: 0, heightSinceMs: now - 60 * minute })] },
  },
  blocksBehind: {
    there: { chains: [chain({ live: 1, matched: { height: 60, atMs: now - 1_000 } })] },
    not: { chains: [chain({ live: 1, matched: { height: 98, atMs: now - 30_000 } })] },
  },
  endpointsDisagree: {
    there: { chains: [chain({ live: 1, height: 101, disputes: [dispute()] })] },
    // A fork of a moment.
    not: { chains: [chain({ live: 1, height: 101, disputes: [dispute({ sinceMs: now - 30_000 })] })] },
  },
  mixnetSilent: {
    there: {
      processes: [
        seen({
          mixnets: [
            { id: 'nym-1', measured: true, lastRoundTripMs: 900, lastRoundTripAtMs: now - 2 * minute },
          ],
        }),
      ],
    },
    not: {
      processes: [
        seen({ mixnets: [{ id: 'nym-1', measured: false, lastRoundTripMs: null, lastRoundTripAtMs: null }] }),
      ],
    },
  },
  mixnetSlow: {
    there: {
      processes: [
        seen({
          mixnets: [{ id: 'nym-1', measured: true, lastRoundTripMs: 12_000, lastRoundTripAtMs: now - 1_000 }],
        }),
      ],
    },
    not: {},
  },
  backlogNearFull: {
    there: { chains: [chain({ waiting: 81 })] },
    not: { chains: [chain({ waiting: 80 })] },
  },
  unsentNearFull: {
    there: { chains: [chain({ unsent: 801 })] },
    not: { chains: [chain({ unsent: 800 })] },
  },
  stageSlow: {
    there: { recent: aSample({ atMs: now, stages: stages('100', 30) }) },
    not: { recent: aSample({ atMs: now, stages: stages('100', 3) }) },
  },
  failedJobs: {
    there: { recent: aSample({ atMs: now, failedJobs: { submit: 1 } }) },
    not: { recent: aSample({ atMs: now, failedJobs: { submit: 0 } }) },
  },
  queuePaused: {
    there: { queues: [{ queue: 'submit', waiting: 3, active: 0, delayed: 0, failed: 0, paused: true }] },
    not: { queues: [] },
  },
  clockSkew: {
    there: { processes: [seen({}, { clockAheadMs: -11_000 })] },
    not: { processes: [seen({}, { clockAheadMs: 9_000 })] },
  },
}

describe('findTroubles', () => {
  it('finds nothing where all is well', () => {
    expect(findTroubles(status())).toEqual([])
  })

  it.each(troubleCodes.map((code) => [code]))('finds %s, and not what is a little short of it', (code) => {
    expect(codes(stories[code].there)).toContain(code)
    expect(codes(stories[code].not)).not.toContain(code)
  })

  it('puts first what is worth waking somebody for, and says of what and since when', () => {
    const found = findTroubles(
      status({
        store: { kind: 'redis', answers: true, durability: 'memory' },
        chains: [
          chain({
            endpoints: [endpoint(), aside('behind', { id: 'b', sinceMs: now - 5 * minute })],
            waiting: 99,
          }),
        ],
      }),
    )
    expect(found.map(({ code }) => code)).toEqual(['backlogNearFull', 'endpointSetAside', 'storeNotDurable'])
    expect(found[1]).toEqual({
      code: 'endpointSetAside',
      subject: 'eip155:1 b',
      sinceMs: now - 5 * minute,
      detail: 'behind, operator me',
    })
  })

  it('says nothing of the fleet that a store which is away would know', () => {
    const found = findTroubles(
      status({
        store: { kind: 'redis', answers: false, durability: 'memory' },
        processes: [seen({ role: 'ingress' })],
        recent: null,
      }),
    )
    expect(found.map(({ code }) => code)).toEqual(['storeAway'])
  })

  it('says why a chain stands still where it knows it, and that it does where it does not', () => {
    const still = { live: 3, height: 110, matched: { height: 100, atMs: now - 2 * minute } }
    const tell = (changes: Partial<ChainStatus>) =>
      findTroubles(status({ chains: [chain({ ...still, ...changes })] }))
    expect(tell({ disputes: [dispute()] })).toEqual([
      {
        code: 'endpointsDisagree',
        subject: 'eip155:1',
        sinceMs: now - 2 * minute,
        detail: 'block 101 at mine, other, 3 transactions wait',
      },
    ])
    const behind = [expect.objectContaining({ code: 'blocksBehind', sinceMs: now - 2 * minute })]
    expect(tell({})).toEqual(behind)
    // Settled by now, or not what it waits for.
    expect(tell({ disputes: [dispute({ height: 100 }), dispute({ height: 102 })] })).toEqual(behind)
    expect(tell({ live: 0, disputes: [dispute()] })).toEqual([])
  })

  it('does not take a slow chain for one that stands still', () => {
    const slow = { live: 1, height: 101, matched: { height: 100, atMs: now - 10 * minute } }
    expect(codes({ chains: [chain({ ...slow, heightSinceMs: now - 1_000 })] })).toEqual([])
    expect(codes({ chains: [chain({ ...slow, heightSinceMs: now - 2 * minute })] })).toEqual(['blocksBehind'])
  })

  it('says in every row what it means and what to do first', () => {
    for (const row of Object.values(troubles)) {
      expect(row.title).toMatch(/^[A-Z].*[^.]$/)
      expect(row.meaning).toMatch(/\.$/)
      expect(row.firstStep).toMatch(/\.$/)
      expect(row.promql).toMatch(/veilcast/)
    }
  })
})

import type { ProcessReport } from '../../broadcaster/dist/fleet/ProcessReport.js'
import type { Sample } from '../../broadcaster/dist/fleet/Sample.js'

/** Of a process where all is well, but for what is changed. */
export function aReport(changes: Partial<ProcessReport> = {}): ProcessReport {
  return {
    id: 'process-0',
    name: 'somewhere:8645',
    role: 'all',
    version: '0.1.0',
    startedAtMs: 1_790_000_000_000,
    atMs: 1_790_000_100_000,
    state: 'ready',
    workers: true,
    mixnets: [{ id: 'nym-1', measured: true, lastRoundTripMs: 900, lastRoundTripAtMs: 1_790_000_090_000 }],
    askers: 0,
    surbsHeld: 0,
    chains: [],
    counts: { requests: {}, replies: {}, failures: {}, handedOver: {}, failedJobs: {}, replyPackets: 0 },
    stages: [],
    memoryBytes: 100_000_000,
    cpuShare: 0.1,
    ...changes,
  }
}

/** Of a fleet that does nothing, but for what is changed. */
export function aSample(changes: Partial<Sample> = {}): Sample {
  return {
    atMs: 1_790_000_000_000,
    spanMs: 10_000,
    processes: 1,
    gone: 0,
    troubles: 0,
    chains: {},
    latency: {},
    roundTrips: {},
    askers: 0,
    surbsHeld: 0,
    requests: {},
    replies: {},
    failures: {},
    handedOver: {},
    failedJobs: {},
    replyPackets: 0,
    stages: {},
    ...changes,
  }
}

import type { Logger } from '../observability/logger.ts'
import type { Store } from '../store/Store.ts'
import type { FleetStatus } from './FleetStatus.ts'
import { type ProcessReport, reportEveryMs, reportTtlMs } from './ProcessReport.ts'
import { mergeSamples, spans } from './Sample.ts'
import { createTakeSample } from './takeSample.ts'

const samplesLease = 'fleet-samples'
const leaseMs = 15_000

export interface Reporting {
  /** Says at once what changed. Never rejects. */
  report(): Promise<void>
  /** Says goodbye. */
  stop(): Promise<void>
}

/**
 * Publishes what this process says of itself every 5 s. One process of the fleet at a time, by a lease, takes a sample of the whole of it
 * every 10 s for the last hour's charts, and makes one of twelve every 2 min for the last day's.
 */
export function keepReporting(parts: {
  readonly id: string
  readonly store: Store
  readonly writeReport: () => Promise<ProcessReport>
  readonly status: () => Promise<FleetStatus>
  readonly logger: Logger
}): Reporting {
  const { id, store, logger } = parts
  let stopped = false
  let troubles = 0
  let underWay: Promise<void> = Promise.resolve()
  let takeSample = createTakeSample()
  let wasSampling = false
  let sampledMs = 0

  async function run(): Promise<void> {
    try {
      await store.fleet.publish(await parts.writeReport(), reportTtlMs)
      await sampleIfDue()
      troubles = 0
    } catch (error) {
      troubles++
      if (troubles === 1 && !stopped) logger.warn({ err: error }, 'the fleet cannot be told of this process')
    }
  }

  async function sampleIfDue(): Promise<void> {
    const nowMs = Date.now()
    if (nowMs - sampledMs < spans.hour.everyMs - reportEveryMs / 2) return
    if (!(await store.records.lease(samplesLease, id, leaseMs))) {
      wasSampling = false
      return
    }
    if (!wasSampling) takeSample = createTakeSample()
    const taken = takeSample(await parts.status())
    // The first one only tells from where to count.
    if (wasSampling) await store.fleet.append('hour', taken)
    wasSampling = true
    const before = sampledMs
    sampledMs = nowMs
    const everyMs = spans.day.everyMs
    const part = Math.floor(nowMs / everyMs)
    if (before === 0 || Math.floor(before / everyMs) === part) return
    const samples = await store.fleet.samples('hour', (part - 1) * everyMs)
    const day = mergeSamples(samples.filter(({ atMs }) => atMs < part * everyMs))
    if (day) await store.fleet.append('day', day)
  }

  const next = (): Promise<void> => {
    underWay = underWay.then(run)
    return underWay
  }
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    void next().finally(() => {
      busy = false
    })
  }, reportEveryMs)

  return {
    report: next,
    async stop() {
      stopped = true
      clearInterval(timer)
      await underWay
      await store.fleet.remove(id).catch(() => {})
      await store.records.unlease(samplesLease, id).catch(() => {})
    },
  }
}

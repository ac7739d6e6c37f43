import { addDurations, durationsSince } from './durations.ts'
import type { FleetStatus } from './FleetStatus.ts'
import { findTroubles, isHeard } from './findTroubles.ts'
import type { Durations, ProcessReport } from './ProcessReport.ts'
import { addAll, type Sample } from './Sample.ts'
import { troubles } from './troubles.ts'

type Counts = ProcessReport['counts']

/** Takes samples one after the other: what each process counted since the one before is what happened meanwhile. */
export function createTakeSample(): (status: FleetStatus) => Sample {
  /** By process, what it had counted at the last sample. */
  let before = new Map<string, ProcessReport>()
  let lastMs = 0

  return (status) => {
    const { atMs, processes } = status
    const since = processes.map(({ report }) => {
      const known = before.get(report.id)
      // Of a process that we did not see begin, what it counted before we looked was another's to write down.
      const base = known ?? (report.startedAtMs >= lastMs && lastMs > 0 ? undefined : report)
      return whatCame(base, report)
    })
    const heard = processes.filter(isHeard)
    before = new Map(processes.map(({ report }) => [report.id, report]))
    const spanMs = lastMs === 0 ? 0 : atMs - lastMs
    lastMs = atMs
    const sum = (of: (counts: Counts) => Readonly<Record<string, number>>): Record<string, number> =>
      addAll(since.map(({ counts }) => of(counts)))
    const stages = new Map<string, Durations>()
    for (const { key, durations } of since.flatMap((one) => one.stages)) {
      stages.set(key, addDurations(stages.get(key) ?? {}, durations))
    }
    return {
      atMs,
      spanMs,
      processes: heard.length,
      gone: processes.length - heard.length,
      troubles: findTroubles(status).filter(({ code }) => troubles[code].severity === 'page').length,
      chains: Object.fromEntries(
        status.chains.map(({ chain, waiting, live, endpoints, height, matched }) => [
          chain,
          {
            waiting,
            live,
            liveEndpoints: endpoints.filter((endpoint) => endpoint.live).length,
            endpoints: endpoints.length,
            height,
            behind: matched && live > 0 ? Math.max(0, height - matched.height) : 0,
          },
        ]),
      ),
      latency: Object.fromEntries(
        status.chains.flatMap(({ chain, endpoints }) =>
          endpoints.flatMap(({ id, latencyMs, live }) =>
            latencyMs === null || !live ? [] : [[`${chain} ${id}`, latencyMs] as const],
          ),
        ),
      ),
      roundTrips: Object.fromEntries(
        heard.flatMap(({ report }) =>
          report.mixnets.flatMap(({ id, lastRoundTripMs }) =>
            lastRoundTripMs === null ? [] : [[`${report.name} ${id}`, lastRoundTripMs] as const],
          ),
        ),
      ),
      askers: heard.reduce((total, { report }) => total + report.askers, 0),
      surbsHeld: heard.reduce((total, { report }) => total + report.surbsHeld, 0),
      requests: sum(({ requests }) => requests),
      replies: sum(({ replies }) => replies),
      failures: sum(({ failures }) => failures),
      handedOver: sum(({ handedOver }) => handedOver),
      failedJobs: sum(({ failedJobs }) => failedJobs),
      replyPackets: since.reduce((total, { counts }) => total + counts.replyPackets, 0),
      stages: Object.fromEntries(stages),
    }
  }
}

function whatCame(before: ProcessReport | undefined, now: ProcessReport) {
  const more = (of: (counts: Counts) => Readonly<Record<string, number>>): Record<string, number> =>
    durationsSince(before && of(before.counts), of(now.counts))
  const stagesBefore = new Map(
    before?.stages.map(({ chain, stage, durations }) => [`${chain} ${stage}`, durations]),
  )
  return {
    counts: {
      requests: more(({ requests }) => requests),
      replies: more(({ replies }) => replies),
      failures: more(({ failures }) => failures),
      handedOver: more(({ handedOver }) => handedOver),
      failedJobs: more(({ failedJobs }) => failedJobs),
      replyPackets: Math.max(0, now.counts.replyPackets - (before?.counts.replyPackets ?? 0)),
    },
    stages: now.stages.map(({ chain, stage, durations }) => {
      const key = `${chain} ${stage}`
      return { key, durations: durationsSince(stagesBefore.get(key), durations) }
    }),
  }
}

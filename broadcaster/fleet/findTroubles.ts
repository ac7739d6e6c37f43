import { quantileOf } from './durations.ts'
import type { SeenProcess } from './Fleet.ts'
import type { ChainStatus, FleetStatus } from './FleetStatus.ts'
import { silentAfterMs } from './ProcessReport.ts'
import { disputeOf, standstillSinceMs } from './standstill.ts'
import { type TroubleCode, troubles } from './troubles.ts'

export interface Trouble {
  readonly code: TroubleCode
  /** What it is about: a chain, a chain and endpoint, a process, a queue. */
  readonly subject: string
  /** As far back as the status tells. */
  readonly sinceMs: number
  /** What was seen, in words and with figures. */
  readonly detail: string
}

/** Three pings at their longest, and some time on the way. */
export const roundTripAgeMs = 90_000
/** A Nym client that has just started needs a moment to have been anywhere. */
const firstRoundTripMs = 120_000
const slowRoundTripMs = 10_000
const haltedMs = 180_000
const maxBlocksBehind = 32
const standstillMs = 60_000
const nearlyFull = 0.8
const slowStageSeconds = 60
const minForQuantile = 20
const maxClockMs = 10_000
const maxTroubles = 200

/** All that is wrong, worst first. Says nothing that the status does not show. */
export function findTroubles(status: FleetStatus): readonly Trouble[] {
  const found: Trouble[] = []
  const { atMs } = status
  const tell = (code: TroubleCode, subject: string, sinceMs: number, detail: string): void => {
    if (atMs - sinceMs < troubles[code].forSeconds * 1000 && durationKnown.has(code)) return
    if (found.length < maxTroubles) found.push({ code, subject, sinceMs: Math.min(sinceMs, atMs), detail })
  }

  if (!status.store.answers) tell('storeAway', status.store.kind, atMs, 'no answer to the last question')
  else if (status.store.durability !== 'fsync') {
    tell('storeNotDurable', status.store.kind, atMs, `durability ${status.store.durability}`)
  }
  ofProcesses(status, tell)
  for (const chain of status.chains) ofChain(chain, status, tell)
  for (const { queue, paused, waiting } of status.queues) {
    if (paused) tell('queuePaused', queue, atMs, `${waiting} jobs wait`)
  }
  for (const [queue, count] of Object.entries(status.recent?.failedJobs ?? {})) {
    if (count > 0) tell('failedJobs', queue, status.recent?.atMs ?? atMs, `${count} in the last ten minutes`)
  }
  return found.sort((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs)
}

type Tell = (code: TroubleCode, subject: string, sinceMs: number, detail: string) => void

/** Of these the status tells since when they are there; others are told at once. */
const durationKnown: ReadonlySet<TroubleCode> = new Set([
  'endpointSetAside',
  'oneOperatorLeft',
  'endpointsDisagree',
])

export function isHeard({ heardMsAgo }: SeenProcess): boolean {
  return heardMsAgo < silentAfterMs
}

function ofProcesses(status: FleetStatus, tell: Tell): void {
  const { atMs } = status
  const heard = status.processes.filter(isHeard)
  const ready = heard.filter(({ report }) => report.state === 'ready')
  if (status.store.answers && heard.length > 0) {
    // Whoever starts or drains is on the way: one alone is no trouble yet.
    const works = (role: 'ingress' | 'worker') =>
      heard.some(({ report }) => report.state !== 'draining' && ['all', role].includes(report.role))
    if (!works('worker')) tell('noWorker', 'fleet', atMs, `${heard.length} processes, none of them a worker`)
    if (!works('ingress'))
      tell('noIngress', 'fleet', atMs, `${heard.length} processes, none of them an ingress`)
  }
  for (const one of status.processes) {
    const { report, heardMsAgo, clockAheadMs } = one
    const lastMs = atMs - heardMsAgo
    if (!isHeard(one)) {
      const succeeded = heard.some((other) => isSuccessor(other, one))
      if (!succeeded) {
        tell('processGone', report.name, lastMs, `${report.role}, last heard ${seconds(heardMsAgo)} ago`)
      }
      continue
    }
    if (!report.workers && report.state === 'ready') tell('workersStopped', report.name, lastMs, report.role)
    if (Math.abs(clockAheadMs) > maxClockMs) {
      const way = clockAheadMs > 0 ? 'ahead of' : 'behind'
      tell('clockSkew', report.name, lastMs, `${seconds(Math.abs(clockAheadMs))} ${way} the store's`)
    }
  }
  for (const { report } of ready) {
    for (const mixnet of report.mixnets) {
      const subject = `${report.name} ${mixnet.id}`
      if (!mixnet.measured) continue
      const lastMs = mixnet.lastRoundTripAtMs ?? report.startedAtMs
      const limitMs = mixnet.lastRoundTripAtMs === null ? firstRoundTripMs : roundTripAgeMs
      if (report.atMs - lastMs > limitMs) {
        const words = mixnet.lastRoundTripAtMs === null ? 'none since it started,' : 'the last'
        tell('mixnetSilent', subject, lastMs, `${words} ${seconds(report.atMs - lastMs)} ago`)
      } else if ((mixnet.lastRoundTripMs ?? 0) > slowRoundTripMs) {
        tell('mixnetSlow', subject, lastMs, `the last one took ${seconds(mixnet.lastRoundTripMs ?? 0)}`)
      }
    }
  }
}

/** Started in its place: of the same name and role, and not before it fell silent (a few seconds are clocks). */
function isSuccessor({ report }: SeenProcess, gone: SeenProcess): boolean {
  return (
    report.name === gone.report.name &&
    report.role === gone.report.role &&
    report.startedAtMs > gone.report.atMs - 5_000
  )
}

function ofChain(chain: ChainStatus, status: FleetStatus, tell: Tell): void {
  const { atMs, limits } = status
  const aside = chain.endpoints.filter(({ live }) => !live)
  const live = chain.endpoints.filter(({ liveIn }) => liveIn > 0)
  if (chain.endpoints.length > 0 && live.length === 0) {
    const sinceMs = Math.max(...aside.map((endpoint) => endpoint.sinceMs))
    tell(
      'noLiveEndpoint',
      chain.chain,
      sinceMs,
      words(aside.map(({ id, trouble }) => `${id} ${troubleWords[trouble] ?? trouble}`)),
    )
  } else if (chain.operators > 1 && new Set(live.map(({ operator }) => operator)).size === 1) {
    const sinceMs = Math.max(atMs - 86_400_000, ...aside.map((endpoint) => endpoint.sinceMs))
    tell('oneOperatorLeft', chain.chain, sinceMs, `${live[0]?.operator}, of ${chain.operators}`)
  }
  for (const { id, operator, trouble, sinceMs, liveIn, askedBy } of aside) {
    const code =
      trouble === 'lied'
        ? 'endpointLied'
        : trouble === 'wrongChain'
          ? 'endpointWrongChain'
          : 'endpointSetAside'
    // Said by the chain already.
    if (code === 'endpointSetAside' && live.length === 0) continue
    const where = liveIn > 0 ? `, for ${askedBy - liveIn} of ${askedBy} processes` : ''
    tell(
      code,
      `${chain.chain} ${id}`,
      sinceMs,
      `${troubleWords[trouble] ?? trouble}, operator ${operator}${where}`,
    )
  }
  if (chain.live > 0 && live.length > 0 && chain.height > 0 && atMs - chain.heightSinceMs > haltedMs) {
    const detail = `block ${chain.height} for ${seconds(atMs - chain.heightSinceMs)}, ${chain.live} transactions wait`
    tell('chainHalted', chain.chain, chain.heightSinceMs, detail)
  }
  const { matched } = chain
  const dispute = disputeOf(chain)
  const stillSinceMs = standstillSinceMs(chain)
  if (dispute) {
    const detail = `block ${dispute.height} at ${words(dispute.endpoints)}, ${chain.live} transactions wait`
    tell('endpointsDisagree', chain.chain, dispute.sinceMs, detail)
  } else if (matched && stillSinceMs !== undefined) {
    const behind = chain.height - matched.height
    if (behind > maxBlocksBehind || atMs - stillSinceMs > standstillMs) {
      const detail = `matched up to block ${matched.height} of ${chain.height}`
      tell('blocksBehind', chain.chain, stillSinceMs, detail)
    }
  }
  if (chain.waiting > limits.maxWaitingPerChain * nearlyFull) {
    tell('backlogNearFull', chain.chain, atMs, `${chain.waiting} of ${limits.maxWaitingPerChain} wait`)
  }
  if (chain.unsent > limits.maxUnsentPerChain * nearlyFull) {
    tell('unsentNearFull', chain.chain, atMs, `${chain.unsent} of ${limits.maxUnsentPerChain}`)
  }
  const exposed = status.recent?.stages[`${chain.chain} exposed`] ?? {}
  const count = Object.values(exposed).reduce((sum, one) => sum + one, 0)
  const p95 = quantileOf(exposed, 0.95)
  if (count >= minForQuantile && p95 !== null && p95 > slowStageSeconds) {
    tell('stageSlow', chain.chain, status.recent?.atMs ?? atMs, `p95 ${Math.round(p95)} s of ${count}`)
  }
}

function rank({ code }: Trouble): number {
  return troubles[code].severity === 'page' ? 0 : 1
}

function words(list: readonly string[]): string {
  const shown = list.slice(0, 4).join(', ')
  return list.length > 4 ? `${shown} and ${list.length - 4} more` : shown
}

/** An endpoint's trouble as an operator reads it. */
export const troubleWords: Readonly<Record<string, string>> = {
  unreachable: 'unreachable',
  wrongChain: 'wrong chain',
  behind: 'behind',
  rateLimited: 'rate limited',
  lied: 'contradicted itself',
}

/** As `90 s`, `12 min`, `3 h`. */
export function seconds(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}

import type { MixnetListener } from '@veilcast/shared/mixnet'
import { Gauge } from 'prom-client'
import type { ChainAdapter } from '../chains/ChainAdapter.ts'
import type { FleetStatus } from '../fleet/FleetStatus.ts'
import type { ProcessReport } from '../fleet/ProcessReport.ts'
import { disputeOf, standstillSinceMs } from '../fleet/standstill.ts'
import type { ProcessIdentity } from '../fleet/writeReport.ts'
import { mixnetId } from '../mixnetId.ts'
import type { Metrics } from './metrics.ts'

/**
 * What is only looked at when Prometheus asks. Of this process: whether it is ready, its endpoints, its Nym clients and what waits in
 * its memory. Of the store, and so the same in every process: queues, backlogs, and how far each chain is matched; while the store is away
 * there is nothing of it, rather than what was true once.
 */
export function addStatusMetrics(
  metrics: Metrics,
  parts: {
    readonly identity: ProcessIdentity
    readonly state: () => ProcessReport['state']
    readonly listeners: readonly MixnetListener[]
    readonly adapters: readonly ChainAdapter[]
    readonly askers: { readonly size: number; surbs(): number }
    readonly workersRun: () => boolean
    readonly status: () => Promise<FleetStatus>
  },
): void {
  const { identity, listeners, adapters, askers } = parts
  const { version, role } = identity
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames, registers: [metrics.registry] })

  gauge('veilcast_info', 'Always 1: which version and role this process is of.', 'version', 'role').set(
    { version, role },
    1,
  )
  const processReady = gauge('veilcast_process_ready', '1 from its start to its drain.', 'role')
  const storeUp = gauge('veilcast_store_up', '1 where the store answers.')
  const storeDurable = gauge('veilcast_store_durable', '1 where what the store took is on its disk.')
  const workersRunning = gauge(
    'veilcast_workers_running',
    "0 where a queue's worker stopped by itself and is not running again yet.",
  )
  const clockAhead = gauge('veilcast_clock_ahead_seconds', "How far the clock is ahead of the store's.")
  const waitingAskers = gauge('veilcast_askers', 'Requests that wait for news in the memory of this process.')
  const surbs = gauge('veilcast_surbs_held', 'Reply packets that those who wait for news still pay for.')

  const endpointLive = gauge(
    'veilcast_endpoint_live',
    '1 where the endpoint is live.',
    'chain',
    'endpoint',
    'operator',
  )
  const trouble = gauge(
    'veilcast_endpoint_trouble',
    '1 for each endpoint that is set aside, by why.',
    'chain',
    'endpoint',
    'operator',
    'trouble',
  )
  const endpointHeight = gauge(
    'veilcast_endpoint_height',
    'Newest block that the endpoint told of.',
    'chain',
    'endpoint',
    'operator',
  )
  const endpointScore = gauge(
    'veilcast_endpoint_score_ratio',
    'How well it answered lately, 1 at best: so often is it asked, beside the others.',
    'chain',
    'endpoint',
    'operator',
  )
  const roundTripSeconds = gauge(
    'veilcast_mixnet_round_trip_seconds',
    'Last round trip of a message to ourselves through the mixnet, by Nym client.',
    'mixnet',
  )
  const roundTripAt = gauge(
    'veilcast_mixnet_last_round_trip_timestamp_seconds',
    'When a message to ourselves last came back through the mixnet; before the first, when this process started.',
    'mixnet',
  )

  const chainHeight = gauge(
    'veilcast_chain_height',
    'Newest block of the chain at any live endpoint, to any process.',
    'chain',
  )
  const heightAt = gauge(
    'veilcast_chain_height_timestamp_seconds',
    'When the newest block of the chain was first seen.',
    'chain',
  )
  const blockHeight = gauge('veilcast_block_height', 'Highest block matched.', 'chain')
  const liveTransactions = gauge(
    'veilcast_live_transactions',
    'Transactions that have not reached an end.',
    'chain',
  )
  const blocksBehind = gauge(
    'veilcast_blocks_behind',
    'Blocks of the chain that are not matched yet while something waits in it.',
    'chain',
  )
  const standstill = gauge(
    'veilcast_blocks_standstill_seconds',
    'For how long no block was matched, though there is one and something waits in the chain, whatever the cause.',
    'chain',
  )
  const disputed = gauge(
    'veilcast_block_disputed',
    '1 where two endpoints have different blocks of the height that is to be matched next.',
    'chain',
  )
  const waiting = gauge('veilcast_waiting_transactions', 'Transactions that are in no block yet.', 'chain')
  const waitingLimit = gauge(
    'veilcast_waiting_transactions_limit',
    'How many may be, beyond which more are refused.',
    'chain',
  )
  const unsent = gauge('veilcast_unsent_records', 'Kept records of which no byte was handed over.', 'chain')
  const unsentLimit = gauge('veilcast_unsent_records_limit', 'How many are kept at most.', 'chain')
  const queueJobs = gauge(
    'veilcast_queue_jobs',
    'Jobs of a queue, by state: waiting, active, delayed, failed.',
    'queue',
    'state',
  )
  const queuePaused = gauge('veilcast_queue_paused', '1 where somebody paused the queue.', 'queue')
  const ofStore = [
    chainHeight,
    heightAt,
    blocksBehind,
    standstill,
    disputed,
    waiting,
    waitingLimit,
    unsent,
    unsentLimit,
    queueJobs,
    queuePaused,
    blockHeight,
    liveTransactions,
  ]

  for (const adapter of adapters) {
    const { chain } = adapter
    adapter.onAnswer((endpoint, seconds, outcome) => {
      metrics.endpointRequestSeconds.observe({ chain, endpoint }, seconds)
      metrics.endpointRequests.inc({ chain, endpoint, outcome })
    })
  }

  function setOwn(): void {
    processReady.set({ role }, parts.state() === 'ready' ? 1 : 0)
    workersRunning.set(parts.workersRun() ? 1 : 0)
    waitingAskers.set(askers.size)
    surbs.set(askers.surbs())
    // An endpoint may have been taken away.
    for (const one of [endpointLive, trouble, endpointHeight, endpointScore]) one.reset()
    for (const adapter of adapters) {
      for (const one of adapter.endpoints()) {
        const labels = { chain: adapter.chain, endpoint: one.id, operator: one.operator }
        endpointLive.set(labels, one.live ? 1 : 0)
        if (one.trouble !== 'none') trouble.set({ ...labels, trouble: one.trouble }, 1)
        endpointHeight.set(labels, Number(one.height))
        endpointScore.set(labels, one.score)
      }
    }
    for (const [index, listener] of listeners.entries()) {
      // A transport that knows no round trips works as long as it is started.
      if (!listener.lastRoundTrip) continue
      const mixnet = mixnetId(index)
      const trip = listener.lastRoundTrip()
      if (trip) roundTripSeconds.set({ mixnet }, trip.tookMs / 1000)
      roundTripAt.set({ mixnet }, (trip?.atMs ?? identity.startedAtMs) / 1000)
    }
  }

  function setOfStore(status: FleetStatus): void {
    const { store, limits } = status
    storeUp.set(store.answers ? 1 : 0)
    storeDurable.set(store.durability === 'fsync' ? 1 : 0)
    for (const one of ofStore) one.reset()
    if (!store.answers) return
    for (const one of status.chains) {
      const { chain, height, heightSinceMs, matched, ...counts } = one
      if (height > 0) {
        chainHeight.set({ chain }, height)
        heightAt.set({ chain }, heightSinceMs / 1000)
      }
      if (matched) blockHeight.set({ chain }, matched.height)
      blocksBehind.set({ chain }, matched && counts.live > 0 ? Math.max(0, height - matched.height) : 0)
      standstill.set({ chain }, Math.max(0, status.atMs - (standstillSinceMs(one) ?? status.atMs)) / 1000)
      disputed.set({ chain }, disputeOf(one) ? 1 : 0)
      liveTransactions.set({ chain }, counts.live)
      waiting.set({ chain }, counts.waiting)
      waitingLimit.set({ chain }, limits.maxWaitingPerChain)
      unsent.set({ chain }, counts.unsent)
      unsentLimit.set({ chain }, limits.maxUnsentPerChain)
    }
    for (const { queue, paused, waiting, active, delayed, failed } of status.queues) {
      for (const [state, count] of Object.entries({ waiting, active, delayed, failed })) {
        queueJobs.set({ queue, state }, count)
      }
      queuePaused.set({ queue }, paused ? 1 : 0)
    }
    const own = status.processes.find(({ report }) => report.id === identity.id)
    if (own) clockAhead.set(own.clockAheadMs / 1000)
  }

  metrics.onText(async () => {
    setOwn()
    setOfStore(await parts.status())
  })
}

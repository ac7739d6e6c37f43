/**
 * Everything that the dashboard, `doctor` and the alert rules can call wrong, in one table. Each row says what it is called, whether it is
 * worth waking somebody (`page`) or can wait for the morning (`ticket`), what it means for wallets, and what to do first. findTroubles.ts
 * finds them in what the fleet says of itself; `promql` is the same question to Prometheus.
 */

export type Severity = 'page' | 'ticket'

export interface TroubleRow {
  readonly severity: Severity
  /** A sentence's worth of words, with the subject after it. */
  readonly title: string
  readonly meaning: string
  readonly firstStep: string
  /** How long it must last before it is told, in seconds. */
  readonly forSeconds: number
  /** What gives a series for each place where the trouble is; what every process says of the store alike, once. */
  readonly promql: string
}

export const troubles = {
  storeAway: row(
    'page',
    'The store does not answer',
    'Nothing new is accepted: wallets hear storeUnavailable and try another broadcaster. What was accepted waits in the store, unharmed.',
    'Look whether the Redis or Postgres server runs and can be reached from this machine; work goes on by itself within seconds.',
    15,
    'veilcast_store_up == 0',
  ),
  workersStopped: row(
    'page',
    'A worker stopped by itself',
    'Jobs of that process lie still until it is running again; other processes go on.',
    'Look into the log of that process for "worker stopped"; if it does not come back within a minute, restart it.',
    30,
    'veilcast_workers_running == 0',
  ),
  noWorker: row(
    'page',
    'No process works on the queues',
    'Transactions are accepted and then wait: none reaches a chain, and no receipt is found.',
    'Start a process with role worker or all, and look why the last one ended.',
    30,
    'sum(veilcast_process_ready{role=~"all|worker"}) == 0 or absent(veilcast_process_ready{role=~"all|worker"})',
  ),
  noIngress: row(
    'page',
    'No process listens on the mixnet',
    'Wallets get no answer, and turn to another broadcaster. What was accepted is worked on.',
    'Start a process with role ingress or all, and look why the last one ended.',
    30,
    'sum(veilcast_process_ready{role=~"all|ingress"}) == 0 or absent(veilcast_process_ready{role=~"all|ingress"})',
  ),
  processGone: row(
    'ticket',
    'A process fell silent without a goodbye',
    'It was killed, its machine is gone, or it cannot reach the store. Its work is taken over within 10 s; wallets that it was to answer ask again.',
    'Look at its supervisor and its last log lines; start it anew.',
    0,
    'up{job="veilcast"} == 0',
  ),
  noLiveEndpoint: row(
    'page',
    'No endpoint of the chain is live',
    'New transactions of this chain are refused with noLiveEndpoint; those accepted wait, and no receipt is found.',
    "Look at the endpoints of this chain below: each says why it was set aside. Add another endpoint if they are the provider's fault.",
    30,
    'max by (chain) (veilcast_endpoint_live) == 0',
  ),
  oneOperatorLeft: row(
    'ticket',
    "Only one operator's endpoints of the chain are live",
    'Receipts cannot be checked with a second operator: nothing is called replaced until another one is back.',
    "Look why the other operators' endpoints were set aside; add one of a third operator.",
    300,
    'count by (chain) (count by (chain, operator) (veilcast_endpoint_live == 1)) == 1 and count by (chain) (count by (chain, operator) (veilcast_endpoint_live)) > 1',
  ),
  endpointSetAside: row(
    'ticket',
    'An endpoint is set aside',
    "It is not asked until it answers well again; the chain's other endpoints carry on.",
    'Its reason says what to do: unreachable (its address, its network), behind (it is catching up), rate limited (its plan).',
    60,
    'veilcast_endpoint_live == 0',
  ),
  endpointWrongChain: row(
    'page',
    'An endpoint answers for another chain',
    "It is set aside. Two chains' endpoints may be mixed up in the configuration, or it was moved.",
    'Compare its URL in the configuration with the chain that it stands under.',
    0,
    'veilcast_endpoint_trouble{trouble="wrongChain"} == 1',
  ),
  endpointLied: row(
    'page',
    'An endpoint contradicted itself or the chain',
    'It gave a block, hash or receipt that cannot be true, and is set aside. Nothing that it said alone counts.',
    'Take it out of the configuration until its operator has explained it.',
    0,
    'veilcast_endpoint_trouble{trouble="lied"} == 1',
  ),
  chainHalted: row(
    'page',
    'The chain brings no blocks',
    'Its endpoints answer, but the newest block is old while transactions wait. They are included when it goes on.',
    'Look at a block explorer whether the chain itself stands still; if it does not, its endpoints are cut off: add others.',
    0,
    'max by (chain) (time() - veilcast_chain_height_timestamp_seconds) > 180 and max by (chain) (veilcast_live_transactions) > 0',
  ),
  blocksBehind: row(
    'page',
    'Blocks are not matched as fast as they come',
    'Transactions are on chain, and wallets are told late.',
    'Look whether a worker runs and whether the endpoints are slow or rate limited; add an endpoint or a worker.',
    60,
    '(max by (chain) (veilcast_blocks_behind) > 32 or max by (chain) (veilcast_blocks_standstill_seconds) > 60) unless max by (chain) (veilcast_block_disputed) == 1',
  ),
  endpointsDisagree: row(
    'page',
    'Two endpoints have different blocks of the same height',
    'One of them is on a fork, or lies: until they agree no later block of the chain is matched, and wallets hear of no inclusion.',
    'Compare the block of that height with an explorer, and take the endpoint that has another out of the configuration.',
    60,
    'max by (chain) (veilcast_block_disputed) == 1',
  ),
  mixnetSilent: row(
    'page',
    'A Nym client has completed no round trip lately',
    'Wallets that send to its address may get no answer; they turn to another broadcaster after three tries.',
    'Look at the gateway and the network of that process; a restart makes it choose its gateway anew where none is named.',
    0,
    'time() - veilcast_mixnet_last_round_trip_timestamp_seconds > 90',
  ),
  mixnetSlow: row(
    'ticket',
    'Round trips through the mixnet are slow',
    'Wallets wait longer and repeat their questions, which costs them reply blocks.',
    "Look whether this machine's processor is used up, or how much its Nym client carries: about 45 messages a second are its end. Add a client.",
    300,
    'veilcast_mixnet_round_trip_seconds > 10',
  ),
  backlogNearFull: row(
    'page',
    'The backlog of the chain is nearly full',
    'At its limit further transactions are refused with backlogFull, and nothing is lost.',
    'Look why they wait: no worker, a slow or halted chain, a paused queue. Then raise limits.maxWaitingPerChain if the load is real.',
    60,
    'max by (chain) (veilcast_waiting_transactions / veilcast_waiting_transactions_limit) > 0.8',
  ),
  unsentNearFull: row(
    'ticket',
    'Records of refused transactions nearly fill their place',
    'At the limit, what the chain would refuse is refused at the door with outcome unknown. Others go on as ever.',
    'Somebody sends many transactions that cannot land: look at the errors below. limits.maxUnsentPerChain bounds what they take.',
    300,
    'max by (chain) (veilcast_unsent_records / veilcast_unsent_records_limit) > 0.8',
  ),
  stageSlow: row(
    'ticket',
    'Transactions reach an endpoint late',
    'The slowest twentieth waits more than a minute from admission to an endpoint.',
    'Look for endpoints that are slow or set aside, a used-up processor, or too few workers.',
    300,
    'histogram_quantile(0.95, sum by (le, chain) (rate(veilcast_stage_seconds_bucket{stage="exposed"}[10m]))) > 60 and sum by (chain) (increase(veilcast_stage_seconds_count{stage="exposed"}[10m])) >= 20',
  ),
  failedJobs: row(
    'ticket',
    'Jobs failed',
    'Each is a fault of ours. What it worked on is made anew from the record within half a minute.',
    'Look into the log for "a job failed" and report it with its class.',
    0,
    'sum by (queue) (increase(veilcast_failed_jobs_total[10m])) > 0',
  ),
  queuePaused: row(
    'page',
    'A queue is paused',
    'Somebody paused it by hand: its jobs wait until it is resumed.',
    'The audit page says who and when; resume it under Manage.',
    0,
    'max by (queue) (veilcast_queue_paused) == 1',
  ),
  storeNotDurable: row(
    'ticket',
    'The store does not write to disk before it answers',
    'A crash of its machine takes the last second or so of what was accepted. Wallets are told so (durability memory).',
    'Redis: appendonly yes, appendfsync always, no-appendfsync-on-rewrite no. Postgres: fsync on, synchronous_commit on.',
    0,
    'min(veilcast_store_durable) == 0',
  ),
  clockSkew: row(
    'ticket',
    'The clock of a process is off',
    "A transaction's notAfter is judged by it: too early or too late by as much.",
    "Run a time service (chrony, systemd-timesyncd) on that machine and on the store's.",
    60,
    'abs(veilcast_clock_ahead_seconds) > 10',
  ),
} as const satisfies Record<string, TroubleRow>

export type TroubleCode = keyof typeof troubles

export const troubleCodes = Object.keys(troubles) as readonly TroubleCode[]

/** Where the page of a trouble lies in the repository. */
export function runbookOf(code: TroubleCode): string {
  return `docs/runbooks/${code}.md`
}

function row(
  severity: Severity,
  title: string,
  meaning: string,
  firstStep: string,
  forSeconds: number,
  promql: string,
): TroubleRow {
  return { severity, title, meaning, firstStep, forSeconds, promql }
}

import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type TroubleCode, troubles } from '@veilcast/broadcaster'
import { parse, stringify } from 'yaml'
import { root } from '../../support/processes.ts'
import { describeWithPrometheus, promtool } from '../../support/prometheus.ts'

const alertsFile = join(root, 'infra/prometheus/alerts.yaml')

/** Series in promtool's notation: a value a minute, and then each repeated. */
interface Case {
  /** What Prometheus has for 30 minutes while the trouble is there. */
  readonly ill: Readonly<Record<string, string>>
  /** Another way of being ill. */
  readonly also?: Readonly<Record<string, string>>
  /** The same where all is well, close to the limit. */
  readonly well: Readonly<Record<string, string>>
  /** Of the alert, beside severity and code. */
  readonly labels: Readonly<Record<string, string>>
}

const one = 'job="veilcast", instance="a:8645"'
const two = 'job="veilcast", instance="b:8645"'
const at = { job: 'veilcast', instance: 'a:8645' }
const chain = 'chain="eip155:1"'
const endpoint = (id: string, operator: string) =>
  `${one}, ${chain}, endpoint="${id}", operator="${operator}"`
const ofEndpoint = { ...at, chain: 'eip155:1', endpoint: 'mine', operator: 'me' }
const bucket = (le: string) => `veilcast_stage_seconds_bucket{${one}, ${chain}, stage="exposed", le="${le}"}`

const cases: Record<TroubleCode, Case> = {
  storeAway: {
    ill: { [`veilcast_store_up{${one}}`]: '0x30', [`veilcast_store_up{${two}}`]: '1x30' },
    well: { [`veilcast_store_up{${one}}`]: '1x30' },
    labels: at,
  },
  workersStopped: {
    ill: { [`veilcast_workers_running{${one}}`]: '0x30' },
    well: { [`veilcast_workers_running{${one}}`]: '1x30' },
    labels: at,
  },
  noWorker: {
    ill: {
      [`veilcast_process_ready{${one}, role="worker"}`]: '0x30',
      [`veilcast_process_ready{${two}, role="ingress"}`]: '1x30',
    },
    well: {
      [`veilcast_process_ready{${one}, role="worker"}`]: '0x30',
      [`veilcast_process_ready{${two}, role="all"}`]: '1x30',
    },
    labels: {},
  },
  noIngress: {
    ill: { [`veilcast_process_ready{${one}, role="worker"}`]: '1x30' },
    well: {
      [`veilcast_process_ready{${one}, role="worker"}`]: '1x30',
      [`veilcast_process_ready{${two}, role="ingress"}`]: '1x30',
    },
    labels: {},
  },
  processGone: {
    ill: { [`up{${one}}`]: '1x25 0x5' },
    well: { [`up{${one}}`]: '1x30', 'up{job="prometheus", instance="p:9090"}': '0x30' },
    labels: at,
  },
  noLiveEndpoint: {
    ill: {
      [`veilcast_endpoint_live{${endpoint('mine', 'me')}}`]: '0x30',
      [`veilcast_endpoint_live{${endpoint('other', 'them')}}`]: '0x30',
    },
    well: {
      [`veilcast_endpoint_live{${endpoint('mine', 'me')}}`]: '0x30',
      [`veilcast_endpoint_live{${endpoint('other', 'them')}}`]: '1x30',
    },
    labels: { chain: 'eip155:1' },
  },
  oneOperatorLeft: {
    ill: {
      [`veilcast_endpoint_live{${endpoint('mine', 'me')}}`]: '1x30',
      [`veilcast_endpoint_live{${endpoint('second', 'me')}}`]: '1x30',
      [`veilcast_endpoint_live{${endpoint('other', 'them')}}`]: '0x30',
    },
    // Only one operator is configured at all.
    well: {
      [`veilcast_endpoint_live{${endpoint('mine', 'me')}}`]: '1x30',
      [`veilcast_endpoint_live{${endpoint('second', 'me')}}`]: '0x30',
    },
    labels: { chain: 'eip155:1' },
  },
  endpointSetAside: {
    ill: { [`veilcast_endpoint_live{${endpoint('mine', 'me')}}`]: '0x30' },
    well: { [`veilcast_endpoint_live{${endpoint('mine', 'me')}}`]: '1x30' },
    labels: ofEndpoint,
  },
  endpointWrongChain: {
    ill: { [`veilcast_endpoint_trouble{${endpoint('mine', 'me')}, trouble="wrongChain"}`]: '1x30' },
    well: { [`veilcast_endpoint_trouble{${endpoint('mine', 'me')}, trouble="behind"}`]: '1x30' },
    labels: { ...ofEndpoint, trouble: 'wrongChain' },
  },
  endpointLied: {
    ill: { [`veilcast_endpoint_trouble{${endpoint('mine', 'me')}, trouble="lied"}`]: '1x30' },
    well: { [`veilcast_endpoint_trouble{${endpoint('mine', 'me')}, trouble="unreachable"}`]: '1x30' },
    labels: { ...ofEndpoint, trouble: 'lied' },
  },
  chainHalted: {
    // promtool's clock begins at 0.
    ill: {
      [`veilcast_chain_height_timestamp_seconds{${one}, ${chain}}`]: '60x30',
      [`veilcast_live_transactions{${one}, ${chain}}`]: '1x30',
    },
    // A chain that makes no blocks while nobody waits.
    well: {
      [`veilcast_chain_height_timestamp_seconds{${one}, ${chain}}`]: '60x30',
      [`veilcast_live_transactions{${one}, ${chain}}`]: '0x30',
    },
    labels: { chain: 'eip155:1' },
  },
  blocksBehind: {
    ill: {
      [`veilcast_blocks_behind{${one}, ${chain}}`]: '33x30',
      [`veilcast_blocks_standstill_seconds{${one}, ${chain}}`]: '1x30',
      [`veilcast_block_disputed{${one}, ${chain}}`]: '0x30',
    },
    well: {
      [`veilcast_blocks_behind{${one}, ${chain}}`]: '32x30',
      [`veilcast_blocks_standstill_seconds{${one}, ${chain}}`]: '60x30',
      [`veilcast_block_disputed{${one}, ${chain}}`]: '0x30',
      // Of which another alert says why.
      [`veilcast_blocks_behind{${one}, chain="eip155:2"}`]: '33x30',
      [`veilcast_blocks_standstill_seconds{${one}, chain="eip155:2"}`]: '0+60x30',
      [`veilcast_block_disputed{${one}, chain="eip155:2"}`]: '1x30',
    },
    also: {
      // One block that nobody else has.
      [`veilcast_blocks_behind{${one}, ${chain}}`]: '1x30',
      [`veilcast_blocks_standstill_seconds{${one}, ${chain}}`]: '0+60x30',
      [`veilcast_block_disputed{${one}, ${chain}}`]: '0x30',
    },
    labels: { chain: 'eip155:1' },
  },
  endpointsDisagree: {
    ill: {
      [`veilcast_block_disputed{${one}, ${chain}}`]: '1x30',
      [`veilcast_block_disputed{${two}, ${chain}}`]: '1x30',
    },
    // For a moment.
    well: { [`veilcast_block_disputed{${one}, ${chain}}`]: '0x29 1' },
    labels: { chain: 'eip155:1' },
  },
  mixnetSilent: {
    ill: {
      [`veilcast_mixnet_last_round_trip_timestamp_seconds{${one}, mixnet="nym-1"}`]: '1800x30',
      [`veilcast_mixnet_last_round_trip_timestamp_seconds{${one}, mixnet="nym-2"}`]: '1700x30',
    },
    well: { [`veilcast_mixnet_last_round_trip_timestamp_seconds{${one}, mixnet="nym-1"}`]: '1711x30' },
    labels: { ...at, mixnet: 'nym-2' },
  },
  mixnetSlow: {
    ill: { [`veilcast_mixnet_round_trip_seconds{${one}, mixnet="nym-1"}`]: '10.1x30' },
    well: { [`veilcast_mixnet_round_trip_seconds{${one}, mixnet="nym-1"}`]: '10x30' },
    labels: { ...at, mixnet: 'nym-1' },
  },
  backlogNearFull: {
    ill: {
      [`veilcast_waiting_transactions{${one}, ${chain}}`]: '81x30',
      [`veilcast_waiting_transactions_limit{${one}, ${chain}}`]: '100x30',
    },
    well: {
      [`veilcast_waiting_transactions{${one}, ${chain}}`]: '80x30',
      [`veilcast_waiting_transactions_limit{${one}, ${chain}}`]: '100x30',
    },
    labels: { chain: 'eip155:1' },
  },
  unsentNearFull: {
    ill: {
      [`veilcast_unsent_records{${one}, ${chain}}`]: '81x30',
      [`veilcast_unsent_records_limit{${one}, ${chain}}`]: '100x30',
    },
    well: {
      [`veilcast_unsent_records{${one}, ${chain}}`]: '80x30',
      [`veilcast_unsent_records_limit{${one}, ${chain}}`]: '100x30',
    },
    labels: { chain: 'eip155:1' },
  },
  stageSlow: {
    // Ten a minute, one in ten of them beyond a minute and a half.
    ill: {
      [bucket('1')]: '0+9x30',
      [bucket('100')]: '0+9x30',
      [bucket('150')]: '0+10x30',
      [bucket('+Inf')]: '0+10x30',
      [`veilcast_stage_seconds_count{${one}, ${chain}, stage="exposed"}`]: '0+10x30',
    },
    // One a minute: too few for a quantile.
    well: {
      [bucket('1')]: '0x30',
      [bucket('150')]: '0+1x30',
      [bucket('+Inf')]: '0+1x30',
      [`veilcast_stage_seconds_count{${one}, ${chain}, stage="exposed"}`]: '0+1x30',
    },
    labels: { chain: 'eip155:1' },
  },
  failedJobs: {
    ill: { [`veilcast_failed_jobs_total{${one}, queue="submit"}`]: '0x25 1x5' },
    well: { [`veilcast_failed_jobs_total{${one}, queue="submit"}`]: '1x30' },
    labels: { queue: 'submit' },
  },
  queuePaused: {
    ill: {
      [`veilcast_queue_paused{${one}, queue="submit"}`]: '1x30',
      [`veilcast_queue_paused{${two}, queue="submit"}`]: '1x30',
    },
    well: { [`veilcast_queue_paused{${one}, queue="submit"}`]: '0x30' },
    labels: { queue: 'submit' },
  },
  storeNotDurable: {
    ill: { [`veilcast_store_durable{${one}}`]: '0x30', [`veilcast_store_durable{${two}}`]: '0x30' },
    well: { [`veilcast_store_durable{${one}}`]: '1x30' },
    labels: {},
  },
  clockSkew: {
    ill: { [`veilcast_clock_ahead_seconds{${one}}`]: '-11x30' },
    well: { [`veilcast_clock_ahead_seconds{${one}}`]: '10x30' },
    labels: at,
  },
}

const codes = Object.keys(troubles) as TroubleCode[]

interface Rule {
  readonly alert: string
  readonly labels: { readonly code: TroubleCode; readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string }
}

let rules: readonly Rule[]
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veilcast-alerts-'))
  rules = (parse(await readFile(alertsFile, 'utf8')) as { groups: [{ rules: Rule[] }] }).groups[0].rules
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('infra/prometheus/alerts.yaml', () => {
  it('is what broadcaster/fleet/troubles.ts says', () => {
    const run = spawnSync(process.execPath, ['infra/docs/writeAlerts.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(run).toMatchObject({ stderr: '', status: 0 })
    expect(rules.map(({ labels }) => labels.code)).toEqual(codes)
  })
})

describeWithPrometheus('the alert rules, in promtool', () => {
  it('default: are rules that Prometheus takes', () => {
    const { status, stdout, stderr } = spawnSync(promtool!, ['check', 'rules', '--lint-fatal', alertsFile], {
      encoding: 'utf8',
    })
    expect(`${status} ${stderr}`).toBe('0 ')
    expect(stdout).toContain(`${codes.length} rules found`)
  })

  it.each(codes)('%s: fires while it is there, and not while all is well', async (code) => {
    const { alert, labels, annotations } = rules.find((rule) => rule.labels.code === code)!
    const { ill, also, well, labels: more } = cases[code]
    const fires = {
      exp_labels: { ...labels, ...more },
      exp_annotations: { ...annotations, summary: summaryOf(code) },
    }
    const tests = [
      ...[ill, ...(also ? [also] : [])].map((series) => ({
        input_series: seriesOf(series),
        alert_rule_test: [{ eval_time: '30m', alertname: alert, exp_alerts: [fires] }],
      })),
      {
        input_series: seriesOf(well),
        alert_rule_test: [{ eval_time: '30m', alertname: alert, exp_alerts: [] }],
      },
    ]
    const file = join(folder, `${code}.yaml`)
    const everyMinute = tests.map((test) => ({ interval: '1m', ...test }))
    await writeFile(
      file,
      stringify(
        { rule_files: [alertsFile], evaluation_interval: '15s', tests: everyMinute },
        { lineWidth: 0 },
      ),
    )
    const { status, stdout, stderr } = spawnSync(promtool!, ['test', 'rules', file], { encoding: 'utf8' })
    expect(`${status} ${stdout}${stderr}`).toMatch(/^0 /)
  })
})

function seriesOf(list: Readonly<Record<string, string>>) {
  return Object.entries(list).map(([series, values]) => ({ series, values }))
}

/** The title, and what it is about. */
function summaryOf(code: TroubleCode): string {
  const { chain, endpoint, queue, mixnet, instance } = cases[code].labels as Record<string, string>
  const about = [chain, endpoint, queue, mixnet, instance && `at ${instance}`].filter(Boolean)
  return [troubles[code].title, ...about].join(', ')
}

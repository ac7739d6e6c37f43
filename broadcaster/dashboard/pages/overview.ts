import { catalogue } from '@veilcast/shared/errors'
import { addDurations, countDurations, quantileOf } from '../../fleet/durations.ts'
import type { ChainStatus, FleetStatus } from '../../fleet/FleetStatus.ts'
import { isHeard, type Trouble, troubleWords } from '../../fleet/findTroubles.ts'
import type { Durations } from '../../fleet/ProcessReport.ts'
import type { Sample } from '../../fleet/Sample.ts'
import { troubles as troubleRows } from '../../fleet/troubles.ts'
import { type Html, html } from '../html.ts'
import { layout, type Viewer } from './layout.ts'
import { ago, duration, mebibytes, milliseconds, number, plural, stageOrder, stageWords } from './words.ts'

export interface OverviewFacts {
  readonly status: FleetStatus
  readonly troubles: readonly Trouble[]
  /** Of the last hour, all together; null before the first sample. */
  readonly hour: Sample | null
}

const sections = { verdict, figures, chains, stages, mixnets, errors, queues, processes } as const

/** The parts of the page that change, by the id of the element that they stand in. */
export function overviewSections(facts: OverviewFacts): Readonly<Record<keyof typeof sections, string>> {
  const rendered = Object.entries(sections).map(([id, render]) => [id, render(facts).text])
  return Object.fromEntries(rendered) as Record<keyof typeof sections, string>
}

export function overviewPage(facts: OverviewFacts, viewer: Viewer): string {
  const section = (id: keyof typeof sections): Html => sections[id](facts)
  const chainNames = facts.status.chains.map(({ chain }) => chain)
  return layout({
    title: titleOf(facts),
    viewer,
    here: '/',
    styles: ['uplot.css'],
    scripts: ['uplot.js', 'dashboard.js'],
    body: html`
<div id="stale" class="stale" role="alert" hidden></div>
<section id="verdict" aria-live="polite" aria-label="How it is">${section('verdict')}</section>
<section id="figures" class="figures" aria-label="Figures">${section('figures')}</section>
<section class="charts" aria-label="Charts">
  <div class="bar">
    <h2>Over time</h2>
    <div class="choices">
      <label class="pick" for="chain">Stages of <select id="chain">${chainNames.map((chain) => html`<option>${chain}</option>`)}</select></label>
      <fieldset class="spans"><legend class="hidden">How far back</legend>
        <label><input type="radio" name="span" value="hour" checked><span>Hour</span></label>
        <label><input type="radio" name="span" value="day"><span>Day</span></label>
      </fieldset>
    </div>
  </div>
  <noscript><p class="note">Charts and live updates need JavaScript. The rest of this page is how it was when you opened it.</p></noscript>
  <div id="charts" class="grid"></div>
</section>
<section aria-label="Chains"><h2>Chains and their endpoints</h2><div id="chains" class="grid wide">${section('chains')}</div></section>
<div class="grid wide">
  <section class="card"><h2>Stages, since the transaction came</h2><div id="stages">${section('stages')}</div></section>
  <section class="card"><h2>Errors told to wallets</h2><div id="errors">${section('errors')}</div></section>
  <section class="card"><h2>Nym clients</h2><div id="mixnets">${section('mixnets')}</div></section>
  <section class="card"><h2>Queues</h2><div id="queues">${section('queues')}</div></section>
</div>
<section class="card"><h2>Processes of the fleet</h2><div id="processes">${section('processes')}</div></section>
<p class="note">Nothing here names a wallet or a transaction: counts, chains, endpoints and times alone.</p>
`,
  })
}

function verdict({ status, troubles }: OverviewFacts): Html {
  const pages = troubles.filter(({ code }) => troubleRows[code].severity === 'page')
  const level =
    pages.length > 0 ? 'bad' : troubles.length > 0 ? 'so-so' : isStarting(status) ? 'so-so' : 'good'
  return html`<div class="verdict ${level}">
<p class="headline">${icons[level]}<strong>${headline(status, troubles, pages.length)}</strong></p>
<p class="summary">${summary(status)}</p>
${troubles.length > 0 && html`<ol class="troubles">${troubles.slice(0, maxTroublesShown).map(trouble)}</ol>`}
${troubles.length > maxTroublesShown && html`<p>and ${troubles.length - maxTroublesShown} more</p>`}
</div>`
}

const maxTroublesShown = 12

const icons = {
  good: html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="m7 12.5 3.5 3.5L17.5 9"/></svg>`,
  'so-so': html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="M12 6.5v7M12 17v.5"/></svg>`,
  bad: html`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="m8 8 8 8M16 8l-8 8"/></svg>`,
} as const

function isStarting({ processes }: FleetStatus): boolean {
  return processes.every(({ report }) => report.state === 'starting')
}

function headline(status: FleetStatus, troubles: readonly Trouble[], pages: number): string {
  if (pages === 1) {
    const worst = troubles[0]
    return worst ? `${troubleRows[worst.code].title}: ${worst.subject}` : ''
  }
  if (pages > 1) return `${pages} things need you now`
  if (troubles.length > 0) return `Works, with ${plural(troubles.length, 'thing')} to look at`
  return isStarting(status) ? 'Starting' : 'All is well'
}

function titleOf({ status, troubles }: OverviewFacts): string {
  const pages = troubles.filter(({ code }) => troubleRows[code].severity === 'page').length
  return `${headline(status, troubles, pages)} · Veilcast`
}

function summary({ processes, chains, store }: FleetStatus): string {
  const heard = processes.filter(isHeard).length
  const waiting = chains.reduce((sum, chain) => sum + chain.waiting, 0)
  return [
    plural(heard, 'process', 'processes'),
    plural(chains.length, 'chain'),
    `${store.kind} store`,
    waiting === 0 ? 'nothing waits' : `${plural(waiting, 'transaction')} ${waiting === 1 ? 'waits' : 'wait'}`,
  ].join(' · ')
}

function trouble({ code, subject, sinceMs, detail }: Trouble): Html {
  const { severity, title, firstStep } = troubleRows[code]
  return html`<li class="trouble ${severity}">
<p><b>${title}</b>: <span class="subject">${subject}</span> <span class="detail">${detail}</span> <span class="since">since ${ago(sinceMs)}</span></p>
<p class="step">${firstStep} <a href="/troubles/${code}">What this is, and what to do</a></p>
</li>`
}

function figures({ status, hour }: OverviewFacts): Html {
  const { recent, chains, processes } = status
  const waiting = chains.reduce((sum, chain) => sum + chain.waiting, 0)
  const exposed = Object.entries(recent?.stages ?? {})
    .filter(([key]) => key.endsWith(' exposed'))
    .reduce<Durations>((sum, [, durations]) => addDurations(sum, durations), {})
  const trips = processes
    .filter(isHeard)
    .flatMap(({ report }) => report.mixnets.flatMap(({ lastRoundTripMs }) => lastRoundTripMs ?? []))
  const surbs = processes.filter(isHeard).reduce((sum, { report }) => sum + report.surbsHeld, 0)
  const failures = sum(recent?.failures)
  const list: [name: string, value: string, note: string][] = [
    ['Waiting', number(waiting), 'in no block yet'],
    ['Reached an endpoint', number(countDurations(exposed)), 'in the last 10 min'],
    ['p95 to an endpoint', duration(quantileOf(exposed, 0.95)), 'from the message, last 10 min'],
    [
      'Mixnet round trip',
      milliseconds(trips.length > 0 ? Math.max(...trips) : null),
      'the slowest client’s last',
    ],
    ['Reply blocks held', number(surbs), 'SURBs that waiting requests pay for'],
    [
      'Errors told',
      number(failures),
      hour ? `in 10 min; ${number(sum(hour.failures))} in the hour` : 'in the last 10 min',
    ],
  ]
  return html`<dl>${list.map(
    ([name, value, note]) =>
      html`<div class="figure"><dt>${name}</dt><dd>${value}</dd><dd class="under">${note}</dd></div>`,
  )}</dl>`
}

function chains({ status }: OverviewFacts): Html {
  if (status.chains.length === 0) return html`<p class="none">No chain is known yet.</p>`
  return html`${status.chains.map((chain) => chainCard(chain, status.limits.maxWaitingPerChain))}`
}

function chainCard(chain: ChainStatus, maxWaiting: number): Html {
  const { endpoints, matched, height, live, waiting } = chain
  const liveCount = endpoints.filter((endpoint) => endpoint.live).length
  const behind = matched && live > 0 ? Math.max(0, height - matched.height) : 0
  const level = liveCount === 0 ? 'bad' : liveCount < endpoints.length ? 'so-so' : 'good'
  return html`<article class="card">
<h3>${chain.chain} <span class="badge ${level}">${liveCount} of ${plural(endpoints.length, 'endpoint')} live</span></h3>
<p class="line"><b>${number(waiting)}</b> in no block yet · <b>${number(live - waiting)}</b> not final yet · block <b>${number(height)}</b>${
    behind > 0 && html`, ${number(behind)} of them not matched yet`
  }</p>
<meter min="0" max="${maxWaiting}" high="${Math.round(maxWaiting * 0.8)}" value="${waiting}" title="${waiting} of ${maxWaiting} places taken" aria-label="Places taken of the chain's backlog">${waiting} of ${maxWaiting}</meter>
<div class="scroll"><table>
<caption class="hidden">Endpoints of ${chain.chain}</caption>
<thead><tr><th scope="col">Endpoint</th><th scope="col">State</th><th scope="col" class="num">Answers in</th><th scope="col" class="num">Answered</th><th scope="col" class="num">Block</th></tr></thead>
<tbody>${endpoints.map(
    (one) => html`<tr>
<th scope="row">${one.id}${one.operator !== one.id && html` <small class="of">of ${one.operator}</small>`}</th>
<td>${
      one.live
        ? html`<span class="state good">${one.breaker === 'halfOpen' ? 'live, on trial' : 'live'}</span>`
        : html`<span class="state ${one.liveIn > 0 ? 'so-so' : 'bad'}">${troubleWords[one.trouble] ?? one.trouble}</span> <span class="since">since ${ago(one.sinceMs)}${
            one.liveIn > 0 && `, for ${one.askedBy - one.liveIn} of ${one.askedBy}`
          }</span>`
    }</td>
<td class="num">${milliseconds(one.latencyMs)}</td>
<td class="num">${one.requests > 0 ? `${share(1 - one.failures / one.requests)} of ${number(one.requests)}` : '–'}</td>
<td class="num">${one.height > 0 ? number(one.height) : '–'}${one.height > 0 && one.height < height && html` <span class="since">−${number(height - one.height)}</span>`}</td>
</tr>`,
  )}</tbody></table></div>
</article>`
}

function stages({ status, hour }: OverviewFacts): Html {
  const keys = Object.keys({ ...hour?.stages, ...status.recent?.stages })
    .map((key) => {
      const [chain = '', stage = ''] = key.split(' ')
      return { key, chain, stage }
    })
    .filter(({ key }) => countDurations(hour?.stages[key] ?? status.recent?.stages[key] ?? {}) > 0)
    .sort(
      (a, b) =>
        (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : 0) ||
        stageOrder.indexOf(a.stage) - stageOrder.indexOf(b.stage),
    )
  if (keys.length === 0) return html`<p class="none">Nothing reached a stage in the last hour.</p>`
  const chainNames = [...new Set(keys.map(({ chain }) => chain))]
  return html`<div class="scroll"><table>
<caption class="hidden">How long transactions took to each stage in the last ten minutes and the last hour</caption>
<thead><tr><th scope="col">Stage</th><th scope="col" class="num">p50</th><th scope="col" class="num">p95</th><th scope="col" class="num">p99</th><th scope="col" class="num">10 min</th><th scope="col" class="num">p95, hour</th><th scope="col" class="num">Hour</th></tr></thead>
${chainNames.map(
  (name) => html`<tbody><tr><th scope="rowgroup" colspan="7" class="group">${name}</th></tr>
${keys.filter(({ chain }) => chain === name).map(stageRow)}</tbody>`,
)}</table></div>`

  function stageRow({ key, stage }: { readonly key: string; readonly stage: string }): Html {
    const ten = status.recent?.stages[key] ?? {}
    const sixty = hour?.stages[key] ?? {}
    return html`<tr><th scope="row">${stageWords[stage] ?? stage}</th>
<td class="num">${duration(quantileOf(ten, 0.5))}</td><td class="num">${duration(quantileOf(ten, 0.95))}</td><td class="num">${duration(quantileOf(ten, 0.99))}</td><td class="num">${number(countDurations(ten))}</td>
<td class="num">${duration(quantileOf(sixty, 0.95))}</td><td class="num">${number(countDurations(sixty))}</td></tr>`
  }
}

function errors({ status, hour }: OverviewFacts): Html {
  const names = Object.entries(hour?.failures ?? status.recent?.failures ?? {})
    .filter(([name]) => Object.hasOwn(catalogue, name))
    .map(([name, count]) => ({ name, count, row: catalogue[name as keyof typeof catalogue] }))
    .sort((a, b) => b.count - a.count)
  if (names.length === 0) return html`<p class="none">None in the last hour.</p>`
  return html`<div class="scroll"><table>
<caption class="hidden">Errors told to wallets, by their number in the catalogue</caption>
<thead><tr><th scope="col" class="num">Number</th><th scope="col">Error</th><th scope="col">The transaction</th><th scope="col" class="num">10 min</th><th scope="col" class="num">Hour</th></tr></thead>
<tbody>${names.map(
    ({ name, count, row }) =>
      html`<tr><td class="num">${row.number}</td><th scope="row"><a href="/errors/${name}">${name}</a></th><td>${outcomeWords[row.outcome]}</td><td class="num">${number(status.recent?.failures[name] ?? 0)}</td><td class="num">${number(count)}</td></tr>`,
  )}</tbody></table></div>`
}

const outcomeWords = { notSent: 'was not sent', unknown: 'may still land', onChain: 'is decided' } as const

function mixnets({ status }: OverviewFacts): Html {
  const clients = status.processes
    .filter(isHeard)
    .flatMap(({ report }) => report.mixnets.map((mixnet) => ({ report, mixnet })))
  if (clients.length === 0) return html`<p class="none">No process listens on the mixnet.</p>`
  return html`<div class="scroll"><table>
<caption class="hidden">Nym clients, their last round trips, and the reply blocks held in their process</caption>
<thead><tr><th scope="col">Process</th><th scope="col">Client</th><th scope="col" class="num">Round trip</th><th scope="col">Last one</th><th scope="col" class="num">Askers</th><th scope="col" class="num">SURBs held</th></tr></thead>
<tbody>${clients.map(
    ({ report, mixnet }) => html`<tr><td>${report.name}</td><th scope="row">${mixnet.id}</th>
<td class="num">${milliseconds(mixnet.lastRoundTripMs)}</td>
<td>${mixnet.lastRoundTripAtMs === null ? (mixnet.measured ? 'none yet' : 'not measured') : ago(mixnet.lastRoundTripAtMs)}</td>
<td class="num">${number(report.askers)}</td><td class="num">${number(report.surbsHeld)}</td></tr>`,
  )}</tbody></table></div>
<p class="under">Reply blocks that a process’s askers still pay for, over all its clients. What the Nym client itself keeps in reserve it does not tell.</p>`
}

function queues({ status }: OverviewFacts): Html {
  if (status.queues.length === 0) return html`<p class="none">The store does not tell.</p>`
  return html`<div class="scroll"><table>
<caption class="hidden">Jobs in each queue</caption>
<thead><tr><th scope="col">Queue</th><th scope="col">State</th><th scope="col" class="num">Waiting</th><th scope="col" class="num">Active</th><th scope="col" class="num">Delayed</th><th scope="col" class="num">Failed</th></tr></thead>
<tbody>${status.queues.map(
    (queue) => html`<tr><th scope="row"><a href="/queues/queue/${queue.queue}">${queue.queue}</a></th>
<td>${queue.paused ? html`<span class="state bad">paused</span>` : html`<span class="state good">runs</span>`}</td>
<td class="num">${number(queue.waiting)}</td><td class="num">${number(queue.active)}</td><td class="num">${number(queue.delayed)}</td><td class="num">${number(queue.failed)}</td></tr>`,
  )}</tbody></table></div>`
}

function processes({ status }: OverviewFacts): Html {
  return html`<div class="scroll"><table>
<caption class="hidden">Processes that were heard in the last ten minutes</caption>
<thead><tr><th scope="col">Process</th><th scope="col">Role</th><th scope="col">State</th><th scope="col">Started</th><th scope="col">Version</th><th scope="col" class="num">Processor</th><th scope="col" class="num">Memory</th></tr></thead>
<tbody>${status.processes.map((one) => {
    const { report, heardMsAgo } = one
    const state = isHeard(one)
      ? html`<span class="state ${report.state === 'ready' && report.workers ? 'good' : 'so-so'}">${
          report.workers ? report.state : 'a worker stopped'
        }</span>`
      : html`<span class="state bad">silent</span> <span class="since">since ${ago(status.atMs - heardMsAgo)}</span>`
    return html`<tr><th scope="row">${report.name}</th><td>${report.role}</td><td>${state}</td><td>${ago(report.startedAtMs)}</td><td>${report.version}</td><td class="num">${Math.round(report.cpuShare * 100)} %</td><td class="num">${mebibytes(report.memoryBytes)}</td></tr>`
  })}</tbody></table></div>`
}

/** Rounded down, so that 100 % is said of all alone. */
function share(part: number): string {
  return `${Math.floor(part * 100)} %`
}

function sum(counts: Readonly<Record<string, number>> | undefined): number {
  return Object.values(counts ?? {}).reduce((total, count) => total + count, 0)
}

import type { AuditEntry } from '../../fleet/Fleet.ts'
import { html } from '../html.ts'
import { layout, type Viewer } from './layout.ts'
import { number } from './words.ts'

export const auditShown = 200

export function auditPage(entries: readonly AuditEntry[], viewer: Viewer): string {
  return layout({
    title: 'Audit · Veilcast',
    viewer,
    here: '/audit',
    body: html`<section class="card"><h1>What was done to the queues by hand</h1>
${
  entries.length === 0
    ? html`<p class="none">Nothing yet.</p>`
    : html`<div class="scroll"><table>
<thead><tr><th scope="col">When, UTC</th><th scope="col">Login</th><th scope="col">What</th><th scope="col">Queue</th><th scope="col">Result</th></tr></thead>
<tbody>${entries.map(
        ({ atMs, session, action, queue, result }) =>
          html`<tr><td>${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}</td><td><code>${session}</code></td><td>${action}</td><td>${queue}</td><td>${result < 200 ? 'asked for' : result < 400 ? html`<span class="state good">done</span>` : html`<span class="state bad">refused</span>`}</td></tr>`,
      )}</tbody></table></div>`
}
<p class="under">The latest ${number(auditShown)}; each is in the log too. A login is named by eight characters that mean nothing elsewhere.</p>
</section>`,
  })
}

import { runbookOf, type TroubleCode, troubles } from '../../fleet/troubles.ts'
import { html } from '../html.ts'
import { layout, type Viewer } from './layout.ts'

export function isTroubleCode(code: string): code is TroubleCode {
  return Object.hasOwn(troubles, code)
}

/** What one row of the catalogue of troubles says. */
export function troublePage(code: TroubleCode, viewer: Viewer): string {
  const { severity, title, meaning, firstStep, promql } = troubles[code]
  return layout({
    title: `${title} · Veilcast`,
    viewer,
    here: `/troubles/${code}`,
    body: html`<section class="card prose"><h1>${title}</h1>
<p><span class="badge ${severity === 'page' ? 'bad' : 'so-so'}">${severity === 'page' ? 'worth waking somebody' : 'can wait for the morning'}</span></p>
<h2>What it means</h2><p>${meaning}</p>
<h2>What to do first</h2><p>${firstStep}</p>
<h2>The whole page</h2><p>In the repository: <code>${runbookOf(code)}</code></p>
<h2>The same question to Prometheus</h2><pre><code>${promql}</code></pre>
<p><a href="/">Back to the overview</a></p></section>`,
  })
}

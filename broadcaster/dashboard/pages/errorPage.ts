import { catalogue } from '@veilcast/shared/errors'
import { html } from '../html.ts'
import { layout, type Viewer } from './layout.ts'

type Name = keyof typeof catalogue

export function isErrorName(name: string): name is Name {
  return Object.hasOwn(catalogue, name)
}

/** What one row of the catalogue of errors says; all of them are in docs/errors.md. */
export function errorPage(name: Name, viewer: Viewer): string {
  const { number, outcome, retry, text, fix } = catalogue[name]
  return layout({
    title: `${name} · Veilcast`,
    viewer,
    here: `/errors/${name}`,
    body: html`<section class="card prose"><h1>${number} ${name}</h1>
<h2>What the wallet is told</h2><p>${text}</p>
<h2>What it should do</h2><p>${fix}</p>
<h2>Could the transaction still land</h2><p><code>${outcome}</code></p>
<h2>When the same request may be tried again</h2><p><code>${retry}</code></p>
<p>All of them: <code>docs/errors.md#${name.toLowerCase()}</code></p>
<p><a href="/">Back to the overview</a></p></section>`,
  })
}

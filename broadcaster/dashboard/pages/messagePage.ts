import { html } from '../html.ts'
import { layout, type Viewer } from './layout.ts'

/** A page that says one thing. */
export function messagePage(title: string, text: string, viewer: Viewer): string {
  return layout({
    title: `${title} · Veilcast`,
    viewer,
    here: '',
    body: html`<section class="card prose"><h1>${title}</h1><p>${text}</p><p><a href="/">Back to the overview</a></p></section>`,
  })
}

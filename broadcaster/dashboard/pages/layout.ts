import { type Html, html } from '../html.ts'

/** What every page knows of who looks at it. */
export interface Viewer {
  readonly loggedIn: boolean
  /** Whether a password is set, so that somebody can log in. */
  readonly canLogIn: boolean
}

/** One page of ours, whole. */
export function layout(parts: {
  readonly title: string
  readonly viewer: Viewer
  readonly here: string
  readonly body: Html
  readonly scripts?: readonly string[]
  readonly styles?: readonly string[]
}): string {
  const { title, viewer, here, body, scripts = [], styles = [] } = parts
  const link = (to: string, text: string): Html =>
    html`<a href="${to}"${to === here && html` aria-current="page"`}>${text}</a>`
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
${styles.map((path) => html`<link rel="stylesheet" href="/assets/${path}">`)}
<link rel="stylesheet" href="/assets/dashboard.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
  <a class="brand" href="/"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2 3 7v10l9 5 9-5V7z"/><path d="M3 7l9 5 9-5M12 12v10"/></svg>Veilcast broadcaster</a>
  <nav aria-label="Pages">
    ${link('/', 'Overview')}
    ${link('/queues', 'Queues')}
    ${viewer.canLogIn && link('/queues/manage', 'Manage')}
    ${link('/audit', 'Audit')}
  </nav>
  <div class="corner">
    <span id="freshness" class="freshness" role="status"></span>
    ${viewer.loggedIn && html`<form method="post" action="/logout"><button class="quiet">Log out</button></form>`}
    ${!viewer.loggedIn && viewer.canLogIn && html`<a class="quiet" href="/login">Log in</a>`}
  </div>
</header>
<main id="main">${body}</main>
${scripts.map((path) => html`<script src="/assets/${path}" defer></script>`)}
</body>
</html>
`.text
}

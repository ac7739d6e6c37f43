import { html } from '../html.ts'

const problems = {
  wrong: 'That is not the password.',
  tooMany: 'Too many tries. Wait a quarter of an hour, or forward the port by ssh and open it on localhost.',
  busy: 'Another password is being checked. Try again in a moment, or forward the port by ssh and open it on localhost.',
  noTls:
    'A password is taken over https only. Put a proxy with TLS in front, name its address in http.trustProxy, and open the page by its https address; or forward the port by ssh and open it on localhost.',
} as const

export function loginPage(parts: {
  readonly next: string
  readonly problem?: keyof typeof problems
}): string {
  const { next, problem } = parts
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>Log in · Veilcast</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/dashboard.css">
</head>
<body class="login">
<main>
  <form method="post" action="/login" class="card">
    <h1>Veilcast broadcaster</h1>
    ${problem && html`<p class="problem" role="alert">${problems[problem]}</p>`}
    <input type="hidden" name="next" value="${next}">
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required autofocus>
    <button>Log in</button>
  </form>
</main>
</body>
</html>
`.text
}

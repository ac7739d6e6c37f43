import { createHash } from 'node:crypto'

const style = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#14181f;--soft:#5c6675;--line:#e2e6ec;--good:#0a7f5a;--warn:#9a6200;--bad:#b3261e;--accent:#3d4ed8}
@media(prefers-color-scheme:dark){:root{--ground:#0f1217;--card:#171b22;--ink:#e8ebf0;--soft:#98a2b3;--line:#272d37;--good:#4cc79a;--warn:#e0a94a;--bad:#f2857d;--accent:#93a0ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 3rem}
header{display:flex;align-items:baseline;gap:.75rem;flex-wrap:wrap;margin-bottom:1.25rem}
h1{font-size:1.35rem;margin:0;letter-spacing:-.01em}
h2{font-size:.8rem;margin:0 0 .75rem;color:var(--soft);font-weight:600;text-transform:uppercase;letter-spacing:.06em}
.state{margin-left:auto;font-weight:600;display:flex;align-items:center;gap:.5rem}
.state::before{content:"";width:.6rem;height:.6rem;border-radius:50%;background:currentColor}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.soft{color:var(--soft)}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr))}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.1rem 1.25rem;margin-bottom:1rem;overflow-x:auto}
.figure{font-size:1.75rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.2}
table{width:100%;border-collapse:collapse}
th{text-align:left;font-weight:500;color:var(--soft);font-size:.85rem;padding:.2rem .75rem .4rem 0}
td{padding:.4rem .75rem .4rem 0;border-top:1px solid var(--line);font-variant-numeric:tabular-nums}
th.n,td.n{text-align:right}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{color:var(--soft);font-size:.85rem;margin-top:1.5rem}
`

const script = `
const at = (id) => document.getElementById(id)
const put = (id, text, kind) => { at(id).textContent = text; if (kind !== undefined) at(id).className = kind }
const duration = (ms) => ms === undefined ? '–' : ms < 1000 ? ms + ' ms' : ms < 60000 ? (ms / 1000).toFixed(1) + ' s' : Math.floor(ms / 60000) + ' min'
const rows = (id, list, cells, none) => {
  const body = at(id)
  body.replaceChildren(...(list.length ? list.map((one) => {
    const row = document.createElement('tr')
    for (const [text, kind, code] of cells(one)) {
      const cell = row.insertCell()
      if (kind) cell.className = kind
      if (code) cell.appendChild(document.createElement('code')).textContent = text
      else cell.textContent = text
    }
    return row
  }) : [none]))
}
const nothing = (text, columns) => {
  const row = document.createElement('tr')
  const cell = row.insertCell()
  cell.colSpan = columns
  cell.className = 'soft'
  cell.textContent = text
  return row
}
const sum = (list, name) => list.reduce((total, one) => total + one[name], 0)
const show = (state) => {
  const { chains, calls, submits, traffic, broadcaster } = state
  const heard = broadcaster.lastReplyAgoMs
  const waiting = sum(calls, 'inFlight')
  if (!chains.length) put('state', 'Waiting for the broadcaster', 'state warn')
  else if (waiting && heard > 20000) put('state', 'No reply for ' + duration(heard), 'state warn')
  else put('state', 'Connected through the mixnet', 'state good')
  put('transport', state.transport || '–')
  put('trip', duration(broadcaster.roundTripMs))
  put('asked', sum(calls, 'asked'))
  put('detail', sum(calls, 'fromMemory') + ' from memory · ' + waiting + ' in flight · ' + sum(calls, 'failed') + ' failed')
  put('messages', traffic ? traffic.messagesUp : '–')
  put('cost', traffic ? traffic.packetsUp + ' packets up · ' + traffic.surbs + ' SURBs' : '')
  put('running', 'Running for ' + duration(state.runningMs))
  rows('chains', chains, (one) => [[one.chain, '', true], [one.path, '', true], [one.live ? 'live' : 'no live node', one.live ? 'good' : 'bad'], [one.height === '0' ? '–' : one.height, 'n']], nothing('None yet.', 4))
  rows('submits', submits.slice().reverse(), (one) => [[one.shortHash || '…', '', true], [one.chain, '', true], [one.stage, one.failed ? 'bad' : one.stage === 'included' || one.stage === 'final' ? 'good' : '']], nothing('None yet.', 3))
  rows('calls', calls.slice().sort((a, b) => b.asked - a.asked), (one) => [[one.method, '', true], [one.chain, 'soft', true], [one.asked, 'n'], [one.fromMemory, 'n'], [one.inFlight, 'n'], [one.failed, one.failed ? 'n bad' : 'n']], nothing('None yet.', 6))
}
const look = async () => {
  try {
    const answer = await fetch('state.json', { cache: 'no-store' })
    if (answer.status === 401) put('state', 'Open this page under /t/<token>/', 'state warn')
    else if (!answer.ok) put('state', 'The endpoint refuses this page', 'state bad')
    else show(await answer.json())
  } catch {
    put('state', 'The endpoint is not running', 'state bad')
  }
  setTimeout(look, document.hidden ? 5000 : 1000)
}
look()
`

/** One page that asks for state.json beside it, and for nothing else. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Veilcast RPC</title>
<style>${style}</style>
</head>
<body>
<main>
<header><h1>Veilcast RPC</h1><span id="running" class="soft"></span><span id="state" class="state soft">Asking</span></header>
<div class="grid">
<section><h2>Answer takes</h2><div id="trip" class="figure">–</div><div class="soft">through <span id="transport">–</span></div></section>
<section><h2>Calls</h2><div id="asked" class="figure">–</div><div id="detail" class="soft"></div></section>
<section><h2>Messages sent</h2><div id="messages" class="figure">–</div><div id="cost" class="soft"></div></section>
</div>
<section><h2>Chains</h2><table><thead><tr><th>Chain</th><th>Path of its RPC URL</th><th>Node</th><th class="n">Block</th></tr></thead><tbody id="chains"></tbody></table></section>
<section><h2>Transactions</h2><table><thead><tr><th>Hash</th><th>Chain</th><th>Stage</th></tr></thead><tbody id="submits"></tbody></table></section>
<section><h2>What went through the mixnet</h2><table><thead><tr><th>Call</th><th>Chain</th><th class="n">Asked</th><th class="n">From memory</th><th class="n">In flight</th><th class="n">Failed</th></tr></thead><tbody id="calls"></tbody></table></section>
<footer>Everything here stays on this machine. Addresses and whole hashes are left out.</footer>
</main>
<script>${script}</script>
</body>
</html>
`

export const pagePolicy = [
  "default-src 'none'",
  `style-src '${hash(style)}'`,
  `script-src '${hash(script)}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

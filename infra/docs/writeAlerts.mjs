/**
 * Writes infra/prometheus/alerts.yaml from the catalogue of troubles (build first). With --check it writes nothing and exits 1 where
 * the file on disk is another.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { runbookOf, troubles } from '@veilcast/broadcaster'
import { stringify } from 'yaml'

const file = new URL('../prometheus/alerts.yaml', import.meta.url)

const intro = `# Written by \`node infra/docs/writeAlerts.mjs\` from broadcaster/fleet/troubles.ts: change it there.
# \`page\` is worth waking somebody, \`ticket\` can wait for the morning. Each has a page under docs/runbooks.
`

/** Whom it is about, as far as the alert's labels say. */
const subject = [
  '{{ with $labels.chain }}, {{ . }}{{ end }}',
  '{{ with $labels.endpoint }}, {{ . }}{{ end }}',
  '{{ with $labels.queue }}, {{ . }}{{ end }}',
  '{{ with $labels.mixnet }}, {{ . }}{{ end }}',
  '{{ with $labels.instance }}, at {{ . }}{{ end }}',
].join('')

const rules = Object.entries(troubles).map(([code, row]) => ({
  alert: alertName(code),
  expr: row.promql,
  ...(row.forSeconds > 0 && { for: `${row.forSeconds}s` }),
  labels: { severity: row.severity, code },
  annotations: {
    summary: `${row.title}${subject}`,
    description: `${row.meaning} ${row.firstStep}`,
    runbook: runbookOf(code),
  },
}))

const text = intro + stringify({ groups: [{ name: 'veilcast', rules }] }, { lineWidth: 0 })
if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (readFileSync(file, 'utf8') !== text) {
  console.error(
    'infra/prometheus/alerts.yaml is not what the troubles say: run node infra/docs/writeAlerts.mjs',
  )
  process.exitCode = 1
}

function alertName(code) {
  return `Veilcast${code[0].toUpperCase()}${code.slice(1)}`
}

/**
 * Writes docs/errors.md from the catalogue (build shared first). With --check it writes nothing and exits 1 where the
 * file on disk is another.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { catalogue } from '@veilcast/shared/errors'

const page = new URL('../../docs/errors.md', import.meta.url)

const sections = [
  { from: 1, to: 19, title: 'The message' },
  { from: 20, to: 39, title: 'Admission' },
  { from: 40, to: 59, title: 'The transaction' },
  { from: 60, to: 79, title: 'Found before any endpoint was shown the transaction' },
  { from: 80, to: 99, title: 'Said by an endpoint that had the bytes' },
  { from: 100, to: 119, title: 'Ends on chain' },
  { from: 120, to: 139, title: 'Reads' },
  { from: 140, to: 999, title: 'The broadcaster itself' },
  { from: 1000, to: 65_535, title: "The client's own (never on the wire)" },
]

const intro = `# Errors

Written by \`node infra/docs/writeErrors.mjs\` from \`shared/errors/catalogue.ts\`: change it there.

Every error is a \`VeilcastError\`. Its \`errorName\` is the name below, its \`name\` the same as a class would be called
(\`BusyError\`), its \`code\` the JSON-RPC code. Find it under what another library has wrapped around it with
\`findVeilcastError(error)\`.

\`outcome\` says whether the transaction could still land. The one that an error carries wins over the one below.
- \`notSent\`: no endpoint was shown it. Safe to sign another one with the same nonce or sequence. (On the wire a failure
  speaks for one copy of a request: [what notSent covers](../shared/protocol/SPEC.md#6-surbs-and-repetition).)
- \`unknown\`: it may still land. Send the same one again or ask for its status; do not sign another one before.
- \`onChain\`: the chain has decided.

\`retry\` says what to do with the same request: \`never\` (it will fail again), \`sameRequest\` (now), \`later\`, or
\`otherBroadcaster\`.
`

function writePage(rows) {
  const lines = [intro, '| number | error | outcome | retry | code |', '|---|---|---|---|---|']
  for (const [name, row] of rows) {
    lines.push(
      `| ${row.number} | [${name}](#${name.toLowerCase()}) | ${row.outcome} | ${row.retry} | ${row.rpcCode} |`,
    )
  }
  for (const { from, to, title } of sections) {
    lines.push('', `## ${title}`)
    for (const [name, row] of rows.filter(([, { number }]) => number >= from && number <= to)) {
      const facts = [
        `Number ${row.number}`,
        `outcome \`${row.outcome}\``,
        `retry \`${row.retry}\``,
        `code ${row.rpcCode}`,
      ]
      if (row.values.length > 0) facts.push(`values ${row.values.map((value) => `\`${value}\``).join(', ')}`)
      lines.push('', `### ${name}`, `${row.text} **${row.fix}**`, '', `${facts.join(' · ')}.`)
    }
  }
  return `${lines.join('\n')}\n`
}

const text = writePage(Object.entries(catalogue).sort(([, a], [, b]) => a.number - b.number))
if (!process.argv.includes('--check')) {
  writeFileSync(page, text)
} else if (readFileSync(page, 'utf8') !== text) {
  console.error('docs/errors.md is not what the catalogue says: run node infra/docs/writeErrors.mjs')
  process.exitCode = 1
}

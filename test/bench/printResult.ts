import type { Table } from './Bench.ts'
import { formatCell, heading } from './formatCell.ts'
import type { Kept } from './Results.ts'
import { judge } from './verdict.ts'

/** To the terminal. */
export function printResult({ title, tables, ratios, notes, leftOut }: Kept): void {
  const parts = [
    `\n${title}`,
    ...tables.map((table) => `\n  ${table.title}\n${columnsOf(table)}`),
    ratios.length > 0 ? `\n${ratios.map((ratio) => `  ${judge(ratio)}`).join('\n')}` : '',
    notes.length > 0 ? `\n${notes.map((note) => `  ${note}`).join('\n')}` : '',
    ...leftOut.map((what) => `\n  left out: ${what}`),
  ]
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n')}\n\n`)
}

/** Words to the left, figures to the right, each column as wide as its widest cell. */
function columnsOf({ columns, rows }: Table): string {
  const cells = [
    columns.map(heading),
    ...rows.map((row) => columns.map((column, at) => formatCell(row[at] ?? null, column))),
  ]
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => (row[at] ?? '').length)))
  const isWords = columns.map((_, at) => rows.every((row) => typeof row[at] === 'string'))
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, at) => (isWords[at] ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('   ')}`
  const [head = [], ...body] = cells
  return [line(head), `  ${widths.map((width) => '─'.repeat(width)).join('───')}`, ...body.map(line)].join(
    '\n',
  )
}

const startedMs = performance.now()

/** A line with the seconds since the start. */
export function say(text: string): void {
  process.stdout.write(`${seconds(performance.now() - startedMs)}  ${text}\n`)
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2).padStart(7)} s`
}

/** Columns as wide as their widest cell; the first is a heading, the others are set to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   ')}`
  const [head = [], ...body] = rows
  return [line(head), `  ${widths.map((width) => '─'.repeat(width)).join('───')}`, ...body.map(line)].join(
    '\n',
  )
}

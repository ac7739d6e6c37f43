import type { Chart, Ratio, Table } from './Bench.ts'
import { formatCell, heading } from './formatCell.ts'
import { chartFile, type Kept } from './Results.ts'
import { figure, verdict } from './verdict.ts'

/** docs/performance.md from what was kept. @param charts the folder of the charts, as the page sees it */
export function writePage(all: readonly Kept[], charts: string): string {
  return `${[intro, summary(all), ...all.map((one) => section(one, charts))].join('\n\n')}\n`
}

const intro = `# Performance

Every figure stands beside the floor that it is held against, taken in the same run on the same machine. This page and its
charts are written by the command that measures, from [results.json](performance/results.json):

    npm run bench                  # all of it, about 25 minutes on two idle cores
    npm run bench -- latency       # one of them
    npm run bench -- --quick       # with fewer samples, kept apart
    npm run bench -- --help

Close what else runs: the local Nym network and its clients take most of two cores when cover traffic is on.`

function summary(all: readonly Kept[]): string {
  const judged = all.flatMap((bench) => bench.ratios.map((ratio) => ({ bench, ratio })))
  if (judged.length === 0) return ''
  return [
    '| figure | measured | floor | aim | limit | |',
    '| --- | ---: | --- | ---: | ---: | --- |',
    ...judged.map(({ bench, ratio }) => summaryRow(bench, ratio)),
  ].join('\n')
}

function summaryRow(bench: Kept, ratio: Ratio): string {
  const wanted = (value: number | undefined) =>
    value === undefined ? '' : `${ratio.better === 'lower' ? '≤' : '≥'} ${formatCell(value)}`
  const cells = [
    `[${ratio.name}](#${anchor(bench.title)})`,
    figure(ratio),
    ratio.floor,
    wanted(ratio.aim),
    wanted(ratio.limit),
    verdict(ratio),
  ]
  return `| ${cells.map(escaped).join(' | ')} |`
}

function section(bench: Kept, charts: string): string {
  return [
    `## ${bench.title}`,
    bench.question,
    ...bench.tables.map((table) =>
      table.title ? `**${table.title}**\n\n${tableOf(table)}` : tableOf(table),
    ),
    ...bench.charts.map((chart) => picture(bench, chart, charts)),
    bench.notes.map((note) => `- ${note}`).join('\n'),
    bench.leftOut.length > 0 ? `Left out: ${bench.leftOut.join('; ')}.` : '',
    `\`npm run bench -- ${bench.name}${bench.quick ? ' --quick' : ''}\`, ${duration(bench.seconds)}, ${bench.at.slice(0, 10)}, on ${bench.machine}.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function tableOf({ columns, rows }: Table): string {
  const isWords = columns.map((_, at) => rows.every((row) => typeof row[at] === 'string'))
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`
  return [
    line(columns.map(heading)),
    line(isWords.map((words) => (words ? '---' : '---:'))),
    ...rows.map((row) => line(columns.map((column, at) => formatCell(row[at] ?? null, column)))),
  ].join('\n')
}

function picture(bench: Kept, chart: Chart, charts: string): string {
  return `![${chart.title}](${charts}/${chartFile(bench, chart)})`
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}

/** As GitHub makes it from a heading. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|')
}

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import type { Bench } from './Bench.ts'
import { benches } from './benches.ts'
import { describeMachine } from './describeMachine.ts'
import { drawChart } from './drawChart.ts'
import { printResult } from './printResult.ts'
import { chartFile, type Kept, type Results, summarise } from './Results.ts'
import { root } from './root.ts'
import { brokenLimits, judge } from './verdict.ts'
import { writePage } from './writePage.ts'

const shownFolder = join(root, 'docs/performance')

const help = `npm run bench [-- NAME…] [--quick] [--out FOLDER] [--page]

Measures, each figure beside the floor that it is held against, prints the tables, and writes docs/performance/results.json,
an SVG for each chart, and docs/performance.md from them. A bench that is named replaces its own figures and leaves the others.

${benches.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join('\n')}

  --quick         fewer samples, to see that it works; nothing under docs is touched
  --out FOLDER    where the figures go. Default docs/performance; with --quick .veilcast/bench
  --page          measure nothing, write the charts and the page anew from results.json
  --help          this text

Ends with 1 where a limit is broken or a bench failed.`

const startedMs = performance.now()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      page: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
    allowPositionals: true,
  })
  if (values.help) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  const chosen = choose(positionals)
  const folder = values.out ?? (values.quick ? join(root, '.veilcast/bench') : shownFolder)
  await mkdir(folder, { recursive: true })
  const results = await readResults(join(folder, 'results.json'))
  const kept = new Map<string, Kept>(results.benches.map((one) => [one.name, one]))
  const stopping = stopAtInterrupt()
  const failed: string[] = []

  for (const bench of values.page ? [] : chosen) {
    const say = (text: string): void => sayAt(`${bench.name}: ${text}`)
    say(bench.title)
    const startMs = performance.now()
    try {
      const result = await bench.run({ say, signal: stopping, quick: values.quick })
      const one = summarise(bench, result, {
        quick: values.quick,
        seconds: Math.round((performance.now() - startMs) / 1000),
        at: new Date().toISOString(),
        machine: describeMachine(),
      })
      printResult(one)
      kept.set(bench.name, one)
      await writeFigures(folder, kept)
    } catch (error) {
      if (stopping.aborted) return 130
      failed.push(bench.name)
      process.stderr.write(`${bench.name}: ${error instanceof Error ? error.stack : String(error)}\n`)
    }
  }

  const all = await writeFigures(folder, kept)
  sayAt(`written to ${relative(process.cwd(), folder) || '.'}`)

  const judged = values.page ? all : all.filter(({ name }) => chosen.some((bench) => bench.name === name))
  const broken = brokenLimits(judged)
  for (const { bench, ratio } of broken) process.stdout.write(`LIMIT BROKEN  ${bench}: ${judge(ratio)}\n`)
  for (const name of failed) process.stdout.write(`FAILED        ${name}\n`)
  return broken.length + failed.length > 0 ? 1 : 0
}

/** The figures, their charts and their page. Done after each bench, so that an interrupted run keeps what it found. */
async function writeFigures(folder: string, kept: ReadonlyMap<string, Kept>): Promise<readonly Kept[]> {
  const all = benches.flatMap(({ name }) => kept.get(name) ?? [])
  await writeFile(
    join(folder, 'results.json'),
    `${JSON.stringify({ benches: all } satisfies Results, null, 1)}\n`,
  )
  for (const one of all) {
    for (const chart of one.charts) await writeFile(join(folder, chartFile(one, chart)), drawChart(chart))
  }
  const isShown = folder === shownFolder
  const page = isShown ? join(root, 'docs/performance.md') : join(folder, 'performance.md')
  await writeFile(page, writePage(all, isShown ? 'performance' : '.'))
  return all
}

function choose(names: readonly string[]): readonly Bench[] {
  const unknown = names.filter((name) => !benches.some((bench) => bench.name === name))
  if (unknown.length > 0) throw new Error(`There is no bench called ${unknown.join(', ')}.`)
  return names.length === 0 ? benches : benches.filter(({ name }) => names.includes(name))
}

async function readResults(file: string): Promise<Results> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Results
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return { benches: [] }
  }
}

/** Under npm a terminal's Ctrl-C reaches us more than once: a second one counts a second later, and ends us at once. */
function stopAtInterrupt(): AbortSignal {
  const stopping = new AbortController()
  let firstMs = 0
  const onSignal = (): void => {
    if (firstMs > 0) {
      if (performance.now() - firstMs > 1000) process.exit(130)
      return
    }
    firstMs = performance.now()
    process.stdout.write('\nstopping …\n')
    stopping.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
  for (const output of [process.stdout, process.stderr]) output.on('error', () => stopping.abort())
  return stopping.signal
}

function sayAt(text: string): void {
  const seconds = (performance.now() - startedMs) / 1000
  process.stdout.write(`${seconds.toFixed(1).padStart(7)} s  ${text}\n`)
}

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}\n`)
    return 1
  }),
)

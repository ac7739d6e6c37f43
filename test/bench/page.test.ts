import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Chart } from './Bench.ts'
import { chartFile, type Kept, type Results } from './Results.ts'
import { writePage } from './writePage.ts'

const docs = join(__dirname, '../../docs')
const program = join(__dirname, 'dist/bench/main.js')

describe('docs/performance.md', () => {
  it('is what was measured: page, charts and results are of one run', async () => {
    const folder = join(docs, 'performance')
    const page = await read(join(docs, 'performance.md'))
    const text = await read(join(folder, 'results.json'))
    const kept = text === undefined ? [] : (JSON.parse(text) as Results).benches
    expect(page).toBe(text === undefined ? undefined : writePage(kept, 'performance'))
    expect(kept.filter(({ quick }) => quick)).toEqual([])
    const drawn = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith('.svg')) : []
    expect(drawn.sort()).toEqual(
      kept.flatMap((one) => one.charts.map((chart) => chartFile(one, chart))).sort(),
    )
  })
})

describe('npm run bench -- --page', () => {
  let folder: string | undefined
  afterEach(async () => {
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  it('draws each kind of chart in light and dark, and ends with 1 where a limit is broken', async () => {
    folder = await mkdtemp(join(tmpdir(), 'veilcast-bench-'))
    const write = (value: number) =>
      writeFile(join(folder!, 'results.json'), JSON.stringify({ benches: [kept(value)] }))
    const run = () => spawnSync(process.execPath, [program, '--page', '--out', folder!], { encoding: 'utf8' })

    await write(1.2)
    expect(run().status).toBe(0)
    for (const { name, title } of charts) {
      const svg = await readFile(join(folder, `latency-${name}.svg`), 'utf8')
      expect(svg).toContain(title)
      expect(svg).toContain('how long, ms')
      expect(svg).toContain('the floor')
      expect(svg).toContain('@media (prefers-color-scheme:dark)')
      expect(svg).not.toMatch(/<script|NaN|undefined/)
    }

    await write(1.3)
    const { status, stdout } = run()
    expect(status).toBe(1)
    expect(stdout).toContain('LIMIT BROKEN  latency: p50 = 1.30 of echo')
  })
})

const frame = { y: { title: 'how long, ms' }, marks: [{ name: 'the floor', value: 2 }] }
const charts: readonly Chart[] = [
  {
    ...frame,
    kind: 'line',
    name: 'a',
    title: 'Line',
    x: { title: 'x', log: true },
    series: [
      {
        name: 's',
        points: [
          [1, 2],
          [10, 3],
        ],
      },
    ],
  },
  {
    ...frame,
    kind: 'bar',
    name: 'b',
    title: 'Bars',
    categories: ['c', 'd'],
    series: [{ name: 's', values: [4, null] }],
  },
  {
    ...frame,
    kind: 'ecdf',
    name: 'c',
    title: 'Shares',
    x: { title: 'x' },
    series: [{ name: 's', samples: [3, 1, 2] }],
  },
]

function kept(value: number): Kept {
  return {
    name: 'latency',
    title: 'Latency',
    question: 'How long?',
    quick: false,
    seconds: 1,
    at: '2026-01-02T03:04:05Z',
    machine: 'a machine',
    tables: [],
    ratios: [{ name: 'p50', value, floor: 'echo', limit: 1.25, better: 'lower' }],
    charts,
    notes: [],
    leftOut: [],
  }
}

async function read(file: string): Promise<string | undefined> {
  return existsSync(file) ? readFile(file, 'utf8') : undefined
}

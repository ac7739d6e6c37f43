import type { Bench, BenchResult, Chart } from './Bench.ts'

/** What results.json holds. */
export interface Results {
  readonly benches: readonly Kept[]
}

/** A bench with what it found, as it is kept. */
export interface Kept extends BenchResult, Circumstances {
  readonly name: string
  readonly title: string
  readonly question: string
}

export interface Circumstances {
  readonly quick: boolean
  readonly seconds: number
  /** ISO 8601. */
  readonly at: string
  readonly machine: string
}

/** An ECDF keeps as many points as its drawing can show. */
const maxKeptSamples = 400

export function summarise(bench: Bench, result: BenchResult, circumstances: Circumstances): Kept {
  return {
    name: bench.name,
    title: bench.title,
    question: bench.question,
    ...circumstances,
    ...result,
    charts: result.charts.map(thin),
  }
}

function thin(chart: Chart): Chart {
  if (chart.kind !== 'ecdf') return chart
  return {
    ...chart,
    series: chart.series.map((one) => {
      const sorted = [...one.samples].sort((a, b) => a - b)
      const count = Math.min(sorted.length, maxKeptSamples)
      const samples = Array.from({ length: count }, (_, index) => {
        const at = Math.round((index / Math.max(1, count - 1)) * (sorted.length - 1))
        return Number((sorted[at] ?? 0).toPrecision(4))
      })
      return { ...one, samples }
    }),
  }
}

export function chartFile(bench: { readonly name: string }, chart: Chart): string {
  return `${bench.name}-${chart.name}.svg`
}

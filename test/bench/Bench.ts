/**
 * One measurement, with the floor that it is held against taken in the same run. It is listed in benches.ts, run by
 * `npm run bench -- NAME`, and says everything it found as data: main.ts prints it, keeps it and draws it.
 */
export interface Bench {
  /** Kebab case: what is typed to run it, and what its files are called. */
  readonly name: string
  readonly title: string
  /** What is measured, how, and against which floor: a paragraph of Markdown, shown above the tables. */
  readonly question: string
  run(context: BenchContext): Promise<BenchResult>
}

export interface BenchContext {
  /** A line of progress. */
  say(text: string): void
  /** Aborted at Ctrl-C: stop what was started, and throw. */
  readonly signal: AbortSignal
  /** Fewer samples, to see that it works: its figures are not kept. */
  readonly quick: boolean
}

/** JSON as it stands: no Infinity, NaN or undefined in a cell; `null` shows as a dash. */
export interface BenchResult {
  readonly tables: readonly Table[]
  readonly ratios: readonly Ratio[]
  readonly charts: readonly Chart[]
  /** Sentences of Markdown on what was seen, shown below the tables. */
  readonly notes: readonly string[]
  /** What this machine could not do and how to have it, such as `Redis (no redis-server on the PATH)`. */
  readonly leftOut: readonly string[]
}

export type Cell = string | number | null

export interface Table {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface Column {
  readonly name: string
  /** As in `ms`, `/s`, `MiB`, `packets`. None for words. */
  readonly unit?: string
  /** Digits behind the point. Default: three significant digits. */
  readonly digits?: number
}

/** A figure over its floor, or one that has a limit of its own. */
export interface Ratio {
  readonly name: string
  readonly value: number
  /** 95 %: by bootstrap over the samples, or by the spread over repetitions. Absent for what was counted. */
  readonly interval?: readonly [low: number, high: number]
  /** What it was divided by, in a few words. */
  readonly floor: string
  readonly aim?: number
  /** The run fails where `value` is on the wrong side of it. */
  readonly limit?: number
  /** Whether aim and limit are to be undercut or reached. */
  readonly better: 'lower' | 'higher'
}

/** Drawn as an SVG of its own, `<bench>-<name>.svg`. */
export type Chart = LineChart | BarChart | EcdfChart

interface ChartFrame {
  /** Kebab case. */
  readonly name: string
  readonly title: string
  readonly y: Axis
  /** Floors, aims and limits, as dashed lines across. */
  readonly marks?: readonly Mark[]
}

export interface Axis {
  /** With its unit: `latency, ms`. */
  readonly title: string
  readonly log?: boolean
}

export interface Mark {
  readonly name: string
  readonly value: number
}

export interface LineChart extends ChartFrame {
  readonly kind: 'line'
  readonly x: Axis
  readonly series: readonly Series[]
}

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Drawn grey and dashed. */
  readonly floor?: boolean
}

export interface BarChart extends ChartFrame {
  readonly kind: 'bar'
  readonly categories: readonly string[]
  /** A bar for each category in each series; `null` leaves it out. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
  /** Series on top of each other instead of beside each other. Default false. */
  readonly stacked?: boolean
}

/** The share of samples at or below x. `y` names the share; marks stand on the x axis. */
export interface EcdfChart extends ChartFrame {
  readonly kind: 'ecdf'
  readonly x: Axis
  readonly series: readonly {
    readonly name: string
    readonly samples: readonly number[]
    readonly floor?: boolean
  }[]
}

import * as echarts from 'echarts'
import type { Axis, BarChart, Chart, EcdfChart, LineChart, Mark } from './Bench.ts'

const width = 760
const height = 420

/** Ink, lines and series, each on a light ground and on a dark one. */
const ink: Tone = { light: '#24292f', dark: '#e6edf3' }
const faint: Tone = { light: '#57606a', dark: '#9198a1' }
const rule: Tone = { light: '#d8dee4', dark: '#3d444d' }
const ground: Tone = { light: '#fffffe', dark: '#0d1117' }
const hues: readonly Tone[] = [
  { light: '#0969da', dark: '#58a6ff' },
  { light: '#bc4c00', dark: '#f0883e' },
  { light: '#1a7f37', dark: '#56d364' },
  { light: '#8250df', dark: '#bc8cff' },
  { light: '#bf3989', dark: '#f778ba' },
  { light: '#9a6700', dark: '#e3b341' },
]

interface Tone {
  readonly light: string
  readonly dark: string
}

/** An SVG of its own, without scripts, that follows the reader's light or dark scheme. */
export function drawChart(chart: Chart): string {
  const canvas = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    canvas.setOption({ ...frame(chart), ...body(chart) })
    return followScheme(canvas.renderToSVGString())
  } finally {
    // It keeps a timer running otherwise.
    canvas.dispose()
  }
}

function frame(chart: Chart): object {
  const names = chart.series.map(({ name }) => name)
  return {
    animation: false,
    backgroundColor: ground.light,
    color: hues.map(({ light }) => light),
    textStyle: { fontFamily: 'system-ui, sans-serif', color: ink.light },
    title: {
      text: chart.title,
      left: 16,
      top: 10,
      textStyle: { color: ink.light, fontSize: 15, fontWeight: 600 },
    },
    legend: {
      data: names,
      show: names.length > 1,
      left: 16,
      top: 38,
      itemWidth: 18,
      itemHeight: 10,
      // Text is measured without a browser, and comes out wider in one.
      itemGap: 26,
      textStyle: { color: ink.light },
    },
    grid: { left: 72, right: 96, top: names.length > 4 ? 104 : names.length > 1 ? 82 : 58, bottom: 58 },
  }
}

function body(chart: Chart): object {
  switch (chart.kind) {
    case 'line':
      return lines(chart)
    case 'bar':
      return bars(chart)
    case 'ecdf':
      return shares(chart)
  }
}

function lines({ x, y, series, marks = [] }: LineChart): object {
  return {
    xAxis: valueAxis(x, 'x'),
    yAxis: valueAxis(y, 'y'),
    series: series.map(({ name, points, floor }, at) => ({
      type: 'line',
      name,
      data: points,
      symbol: 'circle',
      symbolSize: floor ? 0 : 6,
      ...(floor ? asFloor : {}),
      ...(at === 0 ? { markLine: dashes(marks, 'yAxis') } : {}),
    })),
  }
}

function bars({ y, categories, series, marks = [], stacked }: BarChart): object {
  return {
    xAxis: {
      type: 'category',
      data: categories,
      axisLabel: { color: ink.light, interval: 0, width: 560 / categories.length, overflow: 'break' },
      axisLine: { lineStyle: { color: faint.light } },
      axisTick: { show: false },
    },
    yAxis: valueAxis(y, 'y'),
    series: series.map(({ name, values }, at) => ({
      type: 'bar',
      name,
      data: values,
      barMaxWidth: 42,
      barMinHeight: 1,
      ...(stacked
        ? { stack: 'all' }
        : { label: { show: true, position: 'top', color: faint.light, fontSize: 11 } }),
      ...(at === 0 ? { markLine: dashes(marks, 'yAxis') } : {}),
    })),
  }
}

function shares({ x, y, series, marks = [] }: EcdfChart): object {
  return {
    xAxis: valueAxis(x, 'x'),
    yAxis: { ...valueAxis(y, 'y'), min: 0, max: 1 },
    series: series.map(({ name, samples, floor }, at) => ({
      type: 'line',
      name,
      step: 'end',
      symbol: 'circle',
      symbolSize: 0,
      data: [...samples]
        .sort((a, b) => a - b)
        .map((sample, index, all) => [sample, (index + 1) / all.length]),
      ...(floor ? asFloor : {}),
      ...(at === 0 ? { markLine: dashes(marks, 'xAxis') } : {}),
    })),
  }
}

const asFloor = {
  lineStyle: { color: faint.light, type: 'dashed', width: 2 },
  itemStyle: { color: faint.light },
}

function valueAxis({ title, log }: Axis, side: 'x' | 'y'): object {
  return {
    type: log ? 'log' : 'value',
    name: title,
    nameLocation: 'middle',
    nameGap: side === 'x' ? 32 : 50,
    nameTextStyle: { color: ink.light },
    axisLabel: { color: ink.light, hideOverlap: true },
    axisLine: { show: side === 'x', lineStyle: { color: faint.light } },
    axisTick: { lineStyle: { color: faint.light } },
    splitLine: { lineStyle: { color: rule.light } },
  }
}

function dashes(marks: readonly Mark[], axis: 'xAxis' | 'yAxis'): object {
  return {
    symbol: 'none',
    silent: true,
    lineStyle: { color: faint.light, type: 'dashed', width: 1.5 },
    label: { formatter: '{b}', color: faint.light, position: 'end' },
    data: marks.map(({ name, value }) => ({ name, [axis]: value })),
  }
}

/** Every colour that was drawn is a light one: a rule for each says what it is in the dark. */
function followScheme(svg: string): string {
  const rules = [ink, faint, rule, ground, ...hues].map(
    ({ light, dark }) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`,
  )
  const style = `<style>@media (prefers-color-scheme:dark){${rules.join('')}}</style>`
  return `${svg
    .replace(/ ecmeta_\w+="[^"]*"/g, '')
    .replaceAll(' pointer-events="visible"', '')
    .replace(/(<svg[^>]*>)/, `$1\n${style}`)
    .trim()}\n`
}

import { type Html, html } from '../html.ts'

/** A time, which the page's script keeps turning into how long ago it was. */
export function ago(ms: number): Html {
  const iso = new Date(ms).toISOString()
  return html`<time datetime="${iso}" data-ago title="${iso.slice(0, 19).replace('T', ' ')} UTC">${iso.slice(11, 19)} UTC</time>`
}

/** As `0.42 s`, `12 s`, `3 min`. */
export function duration(seconds: number | null): string {
  if (seconds === null) return '–'
  if (seconds < 0.995) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`
}

export function milliseconds(ms: number | null): string {
  return duration(ms === null ? null : ms / 1000)
}

/** With thin spaces between thousands. */
export function number(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

export function mebibytes(bytes: number): string {
  return `${number(bytes / 1_048_576)} MiB`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}

/** The record's states as an operator reads them. */
export const stageWords: Readonly<Record<string, string>> = {
  exposed: 'At an endpoint',
  included: 'In a block',
  final: 'Final',
  replaced: 'Replaced',
  refused: 'Refused',
  lapsed: 'Lapsed',
  held: 'Back to waiting',
}

export const stageOrder = ['exposed', 'included', 'final', 'replaced', 'refused', 'lapsed', 'held']

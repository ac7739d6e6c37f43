import type { Cell, Column } from './Bench.ts'

/** Three significant digits unless the column says how many follow the point; `null` is a dash. */
export function formatCell(cell: Cell, column?: Column): string {
  if (cell === null) return '–'
  if (typeof cell === 'string') return cell
  const { digits } = column ?? {}
  if (digits !== undefined) return grouped(cell.toFixed(digits))
  if (Number.isInteger(cell)) return grouped(String(cell))
  const size = Math.abs(cell)
  return size >= 100
    ? grouped(cell.toFixed(0))
    : size >= 10
      ? cell.toFixed(1)
      : size >= 1
        ? cell.toFixed(2)
        : String(Number(cell.toPrecision(2)))
}

/** `12,345` from five digits on. */
function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.')
  const spaced = whole.replace('-', '').length < 5 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? spaced : `${spaced}.${fraction}`
}

export function heading({ name, unit }: Column): string {
  return unit === undefined ? name : `${name}, ${unit}`
}

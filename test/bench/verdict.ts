import type { Ratio } from './Bench.ts'
import { formatCell } from './formatCell.ts'
import type { Kept } from './Results.ts'

/** A ratio in a line, with what was wanted of it and whether that is so. */
export function judge(ratio: Ratio): string {
  const { name, floor, aim, limit } = ratio
  const wanted = [
    aim === undefined ? '' : `aim ${formatCell(aim)}`,
    limit === undefined ? '' : `limit ${formatCell(limit)}`,
  ].filter((text) => text !== '')
  return `${name} = ${figure(ratio)} of ${floor}${wanted.length > 0 ? `; ${wanted.join(', ')}: ${verdict(ratio)}` : ''}`
}

/** As in `1.08 (1.05–1.11)`. */
export function figure({ value, interval }: Ratio): string {
  return interval
    ? `${formatCell(value)} (${formatCell(interval[0])}–${formatCell(interval[1])})`
    : formatCell(value)
}

export function verdict(ratio: Ratio): string {
  const { value, aim, limit, better } = ratio
  const meets = (wanted: number) => (better === 'lower' ? value <= wanted : value >= wanted)
  if (limit !== undefined && !meets(limit)) return better === 'lower' ? 'over the limit' : 'under the limit'
  if (aim !== undefined)
    return meets(aim) ? 'aim met' : limit === undefined ? 'aim missed' : 'aim missed, limit kept'
  return limit === undefined ? '' : 'limit kept'
}

export function brokenLimits(
  all: readonly Kept[],
): readonly { readonly bench: string; readonly ratio: Ratio }[] {
  return all.flatMap(({ name, ratios }) =>
    ratios
      .filter(({ value, limit, better }) =>
        limit === undefined ? false : better === 'lower' ? !(value <= limit) : !(value >= limit),
      )
      .map((ratio) => ({ bench: name, ratio })),
  )
}

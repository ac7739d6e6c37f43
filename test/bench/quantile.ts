/** With linear interpolation between the samples, as R's type 7. @param p 0 to 1 */
export function quantile(samples: readonly number[], p: number): number {
  if (samples.length === 0) throw new Error('No samples.')
  const sorted = Float64Array.from(samples).sort()
  return quantileOfSorted(sorted, p)
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

function quantileOfSorted(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1)
  const below = Math.floor(at)
  const low = sorted[below] ?? 0
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? 0
  return low + (high - low) * (at - below)
}

/**
 * The ratio of a quantile of `over` to that of `under`, with its 95 % interval: percentile bootstrap over the pairs, which
 * keeps together what was measured under the same conditions.
 */
export function pairedRatio(
  over: readonly number[],
  under: readonly number[],
  p: number,
): { readonly value: number; readonly interval: readonly [number, number] } {
  const count = Math.min(over.length, under.length)
  const ratios = new Float64Array(resamples)
  const drawnOver = new Float64Array(count)
  const drawnUnder = new Float64Array(count)
  for (let resample = 0; resample < resamples; resample++) {
    for (let at = 0; at < count; at++) {
      const pair = Math.floor(Math.random() * count)
      drawnOver[at] = over[pair] ?? 0
      drawnUnder[at] = under[pair] ?? 0
    }
    ratios[resample] = quantileOfSorted(drawnOver.sort(), p) / quantileOfSorted(drawnUnder.sort(), p)
  }
  ratios.sort()
  return {
    value: quantile(over, p) / quantile(under, p),
    interval: [quantileOfSorted(ratios, 0.025), quantileOfSorted(ratios, 0.975)],
  }
}

const resamples = 2_000

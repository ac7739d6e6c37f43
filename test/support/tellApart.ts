/** What could be told from two sets of times, and how likely as much could be told from no difference at all. */
export interface ToldApart {
  /** Share of all times that the best single threshold puts on the right side: 0.5 is chance. */
  readonly thresholdAccuracy: number
  /** Probability that a time of `b` is the longer one: 0.5 is chance. */
  readonly auc: number
  /** Share that the nearest neighbours in time put on the right side, each left out in its turn: 0.5 is chance. */
  readonly neighbourAccuracy: number
  /** For the best of the three, corrected for having tried three: below it lies that share of shuffled labels. */
  readonly pValue: number
}

const neighbours = 9

/**
 * Three classifiers, each against its own null by permutation of the labels: a shift (rank sum), a difference anywhere (best
 * threshold), and one that no threshold shows, as two humps against one (nearest neighbours). Equally many of both.
 */
export function tellApart(
  a: readonly number[],
  b: readonly number[],
  { permutations = 5000, seed = 1 } = {},
): ToldApart {
  if (a.length !== b.length || a.length <= neighbours)
    throw new RangeError('Equally many of both, and enough.')
  const times = [...a.map((ms) => ({ ms, ofB: 0 })), ...b.map((ms) => ({ ms, ofB: 1 }))].sort(
    (one, other) => one.ms - other.ms,
  )
  const labels = Uint8Array.from(times, ({ ofB }) => ofB)
  const near = neighboursOf(times.map(({ ms }) => ms))

  const shuffle = shuffler(seed)
  const found = [distanceOfRanks(labels), bestThreshold(labels), byNeighbours(labels, near)]
  const asMuch = [0, 0, 0]
  const shuffled = labels.slice()
  for (let run = 0; run < permutations; run++) {
    shuffle(shuffled)
    const chance = [distanceOfRanks(shuffled), bestThreshold(shuffled), byNeighbours(shuffled, near)]
    for (const [index, value] of chance.entries()) if (value >= found[index]!) asMuch[index]!++
  }
  const best = Math.min(...asMuch.map((count) => (count + 1) / (permutations + 1)))
  return {
    thresholdAccuracy: found[1]!,
    auc: 0.5 + signedDistanceOfRanks(labels),
    neighbourAccuracy: found[2]!,
    pValue: Math.min(1, best * found.length),
  }
}

/** AUC - 0.5. */
function signedDistanceOfRanks(labels: Uint8Array): number {
  const each = labels.length / 2
  let rankSum = 0
  for (let rank = 0; rank < labels.length; rank++) rankSum += labels[rank]! * (rank + 1)
  return (rankSum - (each * (each + 1)) / 2) / (each * each) - 0.5
}

function distanceOfRanks(labels: Uint8Array): number {
  return Math.abs(signedDistanceOfRanks(labels))
}

function bestThreshold(labels: Uint8Array): number {
  let above = 0
  let furthest = 0
  for (let rank = 0; rank < labels.length; rank++) {
    above += 2 * labels[rank]! - 1
    if (above > furthest) furthest = above
    else if (-above > furthest) furthest = -above
  }
  return 0.5 + furthest / labels.length
}

/** @param near `neighbours` ranks for each rank in turn */
function byNeighbours(labels: Uint8Array, near: Uint16Array): number {
  let right = 0
  for (let rank = 0, place = 0; rank < labels.length; rank++) {
    let ofB = 0
    for (const end = place + neighbours; place < end; place++) ofB += labels[near[place]!]!
    if (ofB > neighbours / 2 === (labels[rank] === 1)) right++
  }
  return right / labels.length
}

/** @param sorted times, rising */
function neighboursOf(sorted: readonly number[]): Uint16Array {
  const near = new Uint16Array(sorted.length * neighbours)
  for (const [rank, ms] of sorted.entries()) {
    let [low, high] = [rank - 1, rank + 1]
    for (let count = 0; count < neighbours; count++) {
      const lowIsNearer = high >= sorted.length || (low >= 0 && ms - sorted[low]! <= sorted[high]! - ms)
      near[rank * neighbours + count] = lowIsNearer ? low-- : high++
    }
  }
  return near
}

/** Fisher and Yates over Marsaglia's xorshift: millions of draws, each a few machine instructions. */
function shuffler(seed: number): (labels: Uint8Array) => void {
  let state = seed | 1
  return (labels) => {
    for (let last = labels.length - 1; last > 0; last--) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      const other = (state >>> 0) % (last + 1)
      const held = labels[last]!
      labels[last] = labels[other]!
      labels[other] = held
    }
  }
}

/**
 * Each time without what its moment gave it: less the median of those measured around it, of whichever kind. Other work on the
 * machine comes and goes more slowly than that, and would hide a difference between two kinds that were asked in turn.
 *
 * @param times in the order of measuring
 */
export function withoutDrift(times: readonly number[]): number[] {
  const reach = 10
  return times.map((ms, index) => {
    const around = times
      .slice(Math.max(0, index - reach), index + reach + 1)
      .sort((one, other) => one - other)
    return ms - around[around.length >> 1]!
  })
}

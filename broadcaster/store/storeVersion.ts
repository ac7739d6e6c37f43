import { StoreError } from './TxStore.ts'

/** One step of a store's layout: which `major` it is of, and what leads to it from the step before. */
export interface StoreStep<Work> {
  /**
   * Raised where a release that does not know the step could not work beside one that does. Within one major, steps only add:
   * an index, a column or key with a default, which an older release neither needs nor breaks.
   */
  readonly major: number
  readonly work: Work
}

/** What a store says of itself: how many steps were taken, and the major of the last. 0 and 0 where nothing was yet. */
export interface StoreVersion {
  readonly step: number
  readonly major: number
}

/**
 * The steps that are still to be taken, as [number from 1, step]. None where a newer release of the same major has taken more
 * than we know: it works beside us, as in a rolling upgrade.
 *
 * @throws StoreError where the store is of a newer major
 */
export function stepsDue<Work>(
  found: StoreVersion,
  known: readonly StoreStep<Work>[],
): readonly (readonly [number, StoreStep<Work>])[] {
  const major = known.at(-1)?.major ?? 0
  if (found.major > major) {
    throw new StoreError(
      `The store was written by a newer release (its version is ${found.major}, and this one knows ${major}): run that release, or name another store.`,
    )
  }
  return known.map((step, index) => [index + 1, step] as const).slice(found.step)
}

/** Whether older releases cannot work with the store afterwards. A store in which nothing is yet has none. */
export function leavesMajor(
  found: StoreVersion,
  due: readonly (readonly [number, StoreStep<unknown>])[],
): boolean {
  return found.step > 0 && due.some(([, { major }]) => major > found.major)
}

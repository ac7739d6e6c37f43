/** Places that are taken for as long as something is under way. */
export interface Shares<Key> {
  /** What gives the place back, called once; undefined where there is none, or none more for this one. */
  take(key: Key): (() => void) | undefined
}

export function createShares<Key>(limits: { readonly max: number; readonly maxEach: number }): Shares<Key> {
  const taken = new Map<Key, number>()
  let all = 0
  return {
    take(key) {
      const mine = taken.get(key) ?? 0
      if (all >= limits.max || mine >= limits.maxEach) return undefined
      all++
      taken.set(key, mine + 1)
      return () => {
        all--
        const left = (taken.get(key) ?? 1) - 1
        if (left > 0) taken.set(key, left)
        else taken.delete(key)
      }
    },
  }
}

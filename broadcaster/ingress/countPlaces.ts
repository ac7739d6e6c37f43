/** A count is shared by whoever comes within it, and what was admitted since is added. */
const shareMs = 250

/** How many wait, for many who may each add one: none of them has to wait for another's turn. */
export interface Places {
  /** Resolves with what tells the number, of now, at each call. @param anew not what was counted a moment ago */
  count(anew?: boolean): Promise<() => number>
  /** Takes a place: in the same turn of the event loop as the look at the number. */
  take(): Place
}

/** One of both is called, once. */
export interface Place {
  /** It lies in the store now. */
  keep(): void
  /** Nothing was added. */
  leave(): void
}

/**
 * @param read how many are stored
 * @param exact before it counts anew, what is being added here has to be stored. Otherwise that may count twice, for as long as
 *   a count is shared
 */
export function createPlaces(read: () => Promise<number>, options: { readonly exact: boolean }): Places {
  let begun = 0
  let ended = 0
  let whenStill: (() => void)[] = []
  let last:
    | { readonly atMs: number; readonly endedBefore: number; readonly stored: Promise<number> }
    | undefined

  async function counted(anew: boolean) {
    for (;;) {
      if (last && !anew && Date.now() < last.atMs + shareMs) return last
      if (!options.exact || begun === ended) break
      await new Promise<void>((resolve) => whenStill.push(resolve))
    }
    const mine = { atMs: Date.now(), endedBefore: ended, stored: read() }
    last = mine
    mine.stored.catch(() => {
      if (last === mine) last = undefined
    })
    return mine
  }

  function tellIfStill(): void {
    if (begun !== ended) return
    const waiting = whenStill
    whenStill = []
    for (const go of waiting) go()
  }

  return {
    async count(anew = false) {
      const { stored, endedBefore } = await counted(anew)
      const number = await stored
      return () => number + begun - endedBefore
    },
    take() {
      begun++
      return {
        keep() {
          ended++
          tellIfStill()
        },
        leave() {
          begun--
          tellIfStill()
        },
      }
    },
  }
}

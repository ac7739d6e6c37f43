/** Reads one consumer's messages one at a time. */
export interface Reader<T> {
  next(): Promise<T>
  /** That many messages, in the order of `key`, for a mixnet reorders. */
  take(count: number, key: (item: T) => number): Promise<T[]>
  /** Resolves when the iterator has ended. */
  ended(): Promise<boolean>
}

export function readFrom<T>(messages: AsyncIterable<T>): Reader<T> {
  const iterator = messages[Symbol.asyncIterator]()
  const next = async () => {
    const result = await iterator.next()
    if (result.done) throw new Error('The iterator ended before the message came.')
    return result.value
  }
  return {
    next,
    async take(count, key) {
      const items: T[] = []
      while (items.length < count) items.push(await next())
      return items.sort((a, b) => key(a) - key(b))
    },
    ended: async () => (await iterator.next()).done === true,
  }
}

export interface Stoppable {
  stop(): Promise<void>
}

/** Remembers what a test starts, so that it is stopped also where the test fails. */
export function createStopper(): { <T extends Stoppable>(started: T): T; stopAll(): Promise<void> } {
  const started = new Set<Stoppable>()
  const remember = <T extends Stoppable>(one: T): T => {
    started.add(one)
    return one
  }
  const stopAll = async () => {
    await Promise.all([...started].map((one) => one.stop()))
    started.clear()
  }
  return Object.assign(remember, { stopAll })
}

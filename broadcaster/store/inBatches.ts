import { StoreError } from './TxStore.ts'

export interface BatchLimits {
  readonly maxItemsPerBatch: number
  readonly maxBatchesUnderWay: number
  readonly maxItemsWaiting: number
}

/**
 * Carries what is asked for one by one to a server in batches: the first at once, and what comes while enough batches are
 * under way together in the next. Little load waits for nothing, much load shares round trips and commits.
 *
 * @param work gives an answer for each item, in their order; where it throws, each of its items fails with it
 * @throws StoreError where too many wait already
 */
export function inBatches<Item, Answer>(
  { maxItemsPerBatch, maxBatchesUnderWay, maxItemsWaiting }: BatchLimits,
  work: (items: readonly Item[]) => Promise<readonly Answer[]>,
): (item: Item) => Promise<Answer> {
  interface Waiting {
    readonly item: Item
    readonly resolve: (answer: Answer) => void
    readonly reject: (error: unknown) => void
  }
  let waiting: Waiting[] = []
  let underWay = 0

  async function runNext(): Promise<void> {
    const batch = waiting.slice(0, maxItemsPerBatch)
    waiting = waiting.slice(maxItemsPerBatch)
    underWay++
    try {
      const answers = await work(batch.map(({ item }) => item))
      batch.forEach(({ resolve, reject }, index) => {
        const answer = answers[index]
        if (answer === undefined) reject(new StoreError('The store left a question without an answer.'))
        else resolve(answer)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      underWay--
      if (waiting.length > 0) void runNext()
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= maxItemsWaiting) {
        reject(new StoreError(`More than ${maxItemsWaiting} questions wait for the store.`))
        return
      }
      waiting.push({ item, resolve, reject })
      if (underWay < maxBatchesUnderWay) void runNext()
    })
}

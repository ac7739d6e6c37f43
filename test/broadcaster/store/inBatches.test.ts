import { describe, expect, it } from '@jest/globals'
import { inBatches } from '../../../broadcaster/dist/store/inBatches.js'
import { until } from '../../support/until.ts'

/** A server that answers a batch when it is told to. */
function slowServer() {
  const batches: { items: readonly number[]; answer(): void; fail(): void }[] = []
  const work = (items: readonly number[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      batches.push({
        items,
        answer: () => resolve(items.map((item) => `answer to ${item}`)),
        fail: () => reject(new Error('The disk is full.')),
      })
    })
  return { batches, work }
}

const limits = { maxItemsPerBatch: 3, maxBatchesUnderWay: 1, maxItemsWaiting: 5 }

describe('inBatches', () => {
  it('default: the first goes at once, and what comes meanwhile goes together, each to its own answer', async () => {
    const { batches, work } = slowServer()
    const ask = inBatches(limits, work)
    const answers = [1, 2, 3, 4, 5].map((item) => ask(item))
    expect(batches.map(({ items }) => items)).toEqual([[1]])
    batches[0]!.answer()
    await until(() => batches.length === 2)
    expect(batches[1]!.items).toEqual([2, 3, 4])
    batches[1]!.answer()
    await until(() => batches.length === 3)
    batches[2]!.answer()
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5].map((item) => `answer to ${item}`))
  })

  it('behavior: what fails takes along its own batch, and none after it', async () => {
    const { batches, work } = slowServer()
    const ask = inBatches(limits, work)
    const first = ask(1)
    const next = [2, 3].map((item) => ask(item))
    batches[0]!.fail()
    await expect(first).rejects.toThrow('The disk is full.')
    await until(() => batches.length === 2)
    batches[1]!.answer()
    expect(await Promise.all(next)).toEqual(['answer to 2', 'answer to 3'])
  })

  it('behavior: refuses what would make too many wait', async () => {
    const { batches, work } = slowServer()
    const ask = inBatches(limits, work)
    const taken = [1, 2, 3, 4, 5, 6].map((item) => ask(item))
    await expect(ask(7)).rejects.toMatchObject({ name: 'StoreError' })
    for (let batch = 0; batch < 3; batch++) {
      await until(() => batches.length === batch + 1)
      batches[batch]!.answer()
    }
    expect(await Promise.all(taken)).toHaveLength(6)
  })

  it('behavior: a question that the server left out is an error, and no silence', async () => {
    const ask = inBatches<number, string>(limits, async () => [])
    await expect(ask(1)).rejects.toMatchObject({ name: 'StoreError' })
  })
})

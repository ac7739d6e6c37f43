import { describe, expect, it } from '@jest/globals'
import { type BoundedQueueOptions, createBoundedQueue } from '../../../shared/dist/mixnet/boundedQueue.js'

const create = (options: Partial<BoundedQueueOptions<string>>) =>
  createBoundedQueue<string>({
    maxItems: 3,
    maxBytes: 10,
    bytesOf: (text) => text.length,
    whenFull: 'dropOldest',
    ...options,
  })

async function drain(queue: ReturnType<typeof create>, count: number) {
  const items: string[] = []
  for await (const item of queue.consume()) {
    items.push(item)
    if (items.length === count) break
  }
  return items
}

describe('boundedQueue', () => {
  it('behavior: the oldest go for the newest', async () => {
    const queue = create({})
    expect(['a', 'b', 'c'].every(queue.push)).toBe(true)
    expect(queue.push('d')).toBe(false)
    expect(queue.push('12345678')).toBe(false)
    expect(await drain(queue, 3)).toEqual(['c', 'd', '12345678'])
  })

  it('behavior: the newest find no room', async () => {
    const queue = create({ whenFull: 'dropNewest' })
    expect(['1234', '5678', '90a', '90'].map(queue.push)).toEqual([true, true, false, true])
    expect(await drain(queue, 3)).toEqual(['1234', '5678', '90'])
  })

  it('behavior: what is larger than the whole queue is dropped alone', async () => {
    const queue = create({})
    queue.push('a')
    expect(queue.push('12345678901')).toBe(false)
    queue.push('b')
    expect((await drain(queue, 1))[0]).toBe('b')
  })

  it('behavior: a consumer that leaves makes room for another, and end() for neither', async () => {
    const queue = create({})
    const first = queue.consume()
    expect(() => queue.consume()).toThrow('consumer')
    await first[Symbol.asyncIterator]().return?.()
    const second = queue.consume()[Symbol.asyncIterator]()
    const waiting = second.next()
    queue.end()
    expect((await waiting).done).toBe(true)
    expect(queue.push('a')).toBe(false)
    expect(await drain(queue, 1)).toEqual([])
    queue.reopen()
    queue.push('b')
    expect((await second.next()).done).toBe(true)
    expect(await drain(queue, 1)).toEqual(['b'])
  })
})

import { Queue, Worker } from 'bullmq'
import { keepWorking } from '../keepWorking.ts'
import type { QueueBackend } from '../QueueBackend.ts'
import { maxWorkers, queueOptions, workerOptions } from '../queueSettings.ts'
import { StoreError } from '../TxStore.ts'
import { withoutForeignErrors } from '../withoutForeignErrors.ts'
import type { RedisClient } from './connectClient.ts'
import { failure } from './failure.ts'

/** BullMQ's own hash tag: its keys never meet the record's, and share a node. */
export const queuePrefix = '{veilcast-queue}'

/**
 * @param producer fails at once while the server is gone
 * @param consumer waits for the server to come back; each worker opens one more like it
 */
export function redisQueues(producer: RedisClient, consumer: RedisClient): Omit<QueueBackend, 'start'> {
  const queues = new Map<string, Queue>()
  const workers = keepWorking()
  // Each queue and worker adds a few listeners.
  producer.setMaxListeners(0)
  consumer.setMaxListeners(0)

  return {
    queue(name) {
      const known = queues.get(name)
      if (known !== undefined) return known
      const queue = new Queue(name, {
        ...queueOptions,
        connection: producer,
        prefix: queuePrefix,
        skipWaitingForReady: true,
      })
      queue.on('error', () => {})
      queues.set(name, queue)
      return queue
    },
    worker(name, processor, { concurrency }) {
      if (workers.size >= maxWorkers) throw new StoreError(`At most ${maxWorkers} workers share one store.`)
      const worker = new Worker(name, withoutForeignErrors(processor), {
        ...workerOptions,
        connection: consumer,
        prefix: queuePrefix,
        concurrency,
      })
      workers.keep(worker)
      return worker
    },
    working: () => workers.working(),
    async forgetEvents(beforeMs) {
      try {
        for (const queue of queues.values()) {
          await producer.xtrim(queue.toKey('events'), 'MINID', Math.floor(beforeMs))
        }
      } catch (error) {
        throw failure('forget events', error)
      }
    },
    async stop() {
      await workers.close()
      await Promise.allSettled([...queues.values()].map((queue) => queue.close()))
      queues.clear()
    },
  }
}

import {
  createPostgresBackend,
  type PgPool,
  type Queue,
  runMigrations,
  type Worker,
  withBackend,
} from 'bullmq'
import type { Pool } from 'pg'
import { keepWorking } from '../keepWorking.ts'
import type { QueueBackend } from '../QueueBackend.ts'
import { maxWorkers, queueOptions, workerOptions } from '../queueSettings.ts'
import { StoreError } from '../TxStore.ts'
import { withoutForeignErrors } from '../withoutForeignErrors.ts'
import { failure } from './failure.ts'

const classes = withBackend(createPostgresBackend)

/** Makes or upgrades BullMQ's own schema, `bullmq`. */
export async function migrateQueues(pool: Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await runMigrations(client)
  } finally {
    client.release()
  }
}

/** @param pool with search_path `bullmq`: each worker keeps one of its connections for LISTEN, and widens it by one */
export function postgresQueues(pool: Pool): Omit<QueueBackend, 'start'> {
  // BullMQ describes the same pool in other words.
  const connection = pool as unknown as PgPool
  const sharedConnections = pool.options.max
  const queues = new Map<string, Queue>()
  const workers = keepWorking((size) => {
    pool.options.max = sharedConnections + size
  })
  // Each queue and worker adds one listener.
  pool.setMaxListeners(0)

  return {
    queue(name) {
      const known = queues.get(name)
      if (known !== undefined) return known
      const queue = new classes.Queue(name, { ...queueOptions, connection })
      queue.on('error', () => {})
      // BullMQ's types name the backend; the port's users see what all backends share.
      queues.set(name, queue as unknown as Queue)
      return queue as unknown as Queue
    },
    worker(name, processor, { concurrency }) {
      if (workers.size >= maxWorkers) throw new StoreError(`At most ${maxWorkers} workers share one store.`)
      const made = new classes.Worker(name, withoutForeignErrors(processor), {
        ...workerOptions,
        connection,
        concurrency,
      })
      const worker = made as unknown as Worker
      workers.keep(worker)
      return worker
    },
    working: () => workers.working(),
    async forgetEvents(beforeMs) {
      try {
        await pool.query('delete from event where created_at_ms < $1', [Math.floor(beforeMs)])
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

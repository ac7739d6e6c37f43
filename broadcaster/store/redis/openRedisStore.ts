import type { Durability } from '@veilcast/shared/protocol'
import { type LifeOfStore, liveStore } from '../liveStore.ts'
import type { Store } from '../Store.ts'
import type { HeldUse, StoreUse } from '../StoreUse.ts'
import type { StoreError } from '../TxStore.ts'
import { checkServer } from './checkServer.ts'
import {
  createClient,
  meetNodes,
  nodeOf,
  type RedisClient,
  type RedisOptions,
  type RedisPlace,
} from './connectClient.ts'
import { failure } from './failure.ts'
import { redisFleet } from './fleet.ts'
import { holdUse } from './holdUse.ts'
import { migrate } from './migrate.ts'
import { queuePrefix, redisQueues } from './queues.ts'
import { redisRecords } from './records.ts'
import { prefix, scripts } from './scripts.ts'
import { redisUpkeep } from './upkeep.ts'

const connectTimeoutMs = 15_000
const disconnectTimeoutMs = 500
const commandTimeoutMs = 15_000
const maxReconnectMs = 1_000

const anyClient: RedisOptions = {
  lazyConnect: true,
  connectTimeout: connectTimeoutMs,
  disconnectTimeout: disconnectTimeoutMs,
  // Replies as arrays, which is what Lua gives and BullMQ reads.
  protocol: 2,
  retryStrategy: (attempt) => Math.min(25 * 2 ** Math.min(attempt, 10), maxReconnectMs),
}
/** Fails at once while the server is gone, and never sends twice what may have been done. */
const impatient: RedisOptions = {
  ...anyClient,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
}
const patient: RedisOptions = { ...anyClient, maxRetriesPerRequest: null }

/**
 * A record and a queue on a Redis or Valkey server (7 or newer) with `maxmemory-policy noeviction`; for promises that
 * survive a crash also `appendonly yes` and `appendfsync always`, and for delays true to 10 ms `hz 100`. Takes three
 * connections, one per worker, and one while somebody watches; on a cluster each to every node.
 */
export function openRedisStore(place: RedisPlace): Store {
  return liveStore('redis', (signal, onFailure, use) => connectRedis(place, { signal, onFailure, use }))
}

async function connectRedis(
  place: RedisPlace,
  {
    signal,
    onFailure,
    use,
  }: {
    readonly signal: AbortSignal
    readonly onFailure: (error: StoreError) => void
    readonly use: StoreUse
  },
): Promise<LifeOfStore> {
  const clients = new Set<RedisClient>()
  const closeClients = (): void => {
    for (const client of clients) client.disconnect()
  }
  async function connect(options: RedisOptions): Promise<RedisClient> {
    const client = createClient(place, options)
    clients.add(client)
    client.once('end', () => clients.delete(client))
    let cause: unknown
    client.on('error', (error) => {
      cause = error
    })
    try {
      await client.connect()
      await meetNodes(client)
      return client
    } catch (error) {
      client.disconnect()
      throw cause ?? error
    }
  }
  signal.addEventListener('abort', closeClients, { once: true })
  let held: HeldUse | undefined
  try {
    const recordClient = await connect({
      ...impatient,
      commandTimeout: commandTimeoutMs,
      scripts,
      // What is asked while the server works on the last is sent together: one write, and one fsync of the server's.
      enableAutoPipelining: true,
    })
    const check = async (): Promise<Durability> => checkServer(await nodeOf(recordClient, prefix), place)
    const durability = await check()
    // Of a cluster perhaps another node; what it loses is made anew from the record.
    await checkServer(await nodeOf(recordClient, queuePrefix), place)
    held = await holdUse(recordClient, use, onFailure)
    await migrate(recordClient, held)
    const holding = held
    const records = redisRecords(recordClient, durability, check, () => connect(patient))
    const queues = redisQueues(await connect(impatient), await connect(patient))
    signal.throwIfAborted()
    return {
      records,
      queues,
      fleet: redisFleet(recordClient),
      upkeep: redisUpkeep(recordClient),
      markRestored: records.markRestored,
      async stop() {
        await queues.stop()
        await records.stop()
        await holding.end()
        closeClients()
      },
    }
  } catch (error) {
    await held?.end()
    closeClients()
    signal.throwIfAborted()
    throw failure('be prepared', error)
  } finally {
    signal.removeEventListener('abort', closeClients)
  }
}

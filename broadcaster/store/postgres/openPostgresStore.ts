import type { Durability } from '@veilcast/shared/protocol'
import { type ClientBase, Pool, type PoolConfig } from 'pg'
import { type LifeOfStore, liveStore } from '../liveStore.ts'
import type { Store } from '../Store.ts'
import type { HeldUse, StoreUse } from '../StoreUse.ts'
import { StoreError } from '../TxStore.ts'
import { failure } from './failure.ts'
import { postgresFleet } from './fleet.ts'
import { holdUse } from './holdUse.ts'
import { migrate } from './migrate.ts'
import { migrateQueues, postgresQueues } from './queues.ts'
import { postgresRecords } from './records.ts'
import { postgresUpkeep } from './upkeep.ts'

const minVersion = 14
const connectTimeoutMs = 15_000
/** A statement of the record that takes longer has failed. */
const statementTimeoutMs = 15_000
const recordConnections = 12
/** What queues and workers share for their statements, beside the one that each worker keeps. */
const queueConnections = 16
const idleConnectionMs = 60_000

/**
 * A record and a queue on a Postgres server (14 or newer) of the operator's: schemas `veilcast` and `bullmq`, made at the
 * first start. Takes at most 29 connections and one per worker, as many at once as the load asks for.
 *
 * @param options.url `postgres://user:password@host:port/database`
 */
export function openPostgresStore({ url }: { readonly url: string }): Store {
  return liveStore('postgres', (signal, onFailure, use) =>
    connectPostgres({ connectionString: url }, { signal, onFailure, use }),
  )
}

/** Both rooms on a server that is up. */
export async function connectPostgres(
  server: PoolConfig,
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
  const records = openPool(
    { ...server, query_timeout: statementTimeoutMs, max: recordConnections },
    (client) =>
      client.query(
        `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
      ),
  )
  const queues = openPool({ ...server, max: queueConnections }, (client) =>
    client.query('set search_path to bullmq'),
  )
  let held: HeldUse | undefined
  const close = async (): Promise<void> => {
    await Promise.all([records.end(), queues.end()])
    await held?.end()
  }
  try {
    held = await holdUse({ ...server, connectionTimeoutMillis: connectTimeoutMs }, use, onFailure)
    signal.throwIfAborted()
    const durability = await prepareRecords(records, held)
    signal.throwIfAborted()
    await migrateQueues(queues)
    signal.throwIfAborted()
    const record = postgresRecords(records, durability)
    const queue = postgresQueues(queues)
    return {
      records: record,
      queues: queue,
      fleet: postgresFleet(records),
      upkeep: postgresUpkeep(records),
      markRestored: record.markRestored,
      async stop() {
        await queue.stop()
        await record.stop()
        await close()
      },
    }
  } catch (error) {
    await close()
    signal.throwIfAborted()
    throw failure('be prepared', error)
  }
}

function openPool(server: PoolConfig, onConnect: (client: ClientBase) => Promise<unknown>): Pool {
  const pool = new Pool({
    application_name: 'veilcast',
    ...server,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleConnectionMs,
    // Typed as if it returned nothing, and awaited all the same.
    onConnect: (client) => onConnect(client) as unknown as undefined,
  })
  // An idle connection that breaks is replaced at the next use.
  pool.on('error', () => {})
  return pool
}

async function prepareRecords(pool: Pool, held: HeldUse): Promise<Durability> {
  const client = await pool.connect()
  try {
    const { rows } = await client.query<{ version: number; standby: boolean; fsync: string; commit: string }>(
      `select current_setting('server_version_num')::integer / 10000 as version, pg_is_in_recovery() as standby,
         current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`,
    )
    const server = rows[0]
    if (server === undefined) throw new StoreError('Postgres gave no answer.')
    if (server.version < minVersion) {
      throw new StoreError(`Postgres ${minVersion} or newer is needed, and this is ${server.version}.`)
    }
    if (server.standby) throw new StoreError('This Postgres is a standby: name the primary.')
    await migrate(client, held)
    return server.fsync === 'on' && server.commit !== 'off' ? 'fsync' : 'memory'
  } finally {
    client.release()
  }
}

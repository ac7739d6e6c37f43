import { setTimeout as delay } from 'node:timers/promises'
import { Client, type PoolConfig } from 'pg'
import { type HeldUse, inUse, type StoreUse, useLost } from '../StoreUse.ts'
import { StoreError } from '../TxStore.ts'

/** Spells `VEIU`: held shared by each who uses the record, and exclusively by who has to be alone. One for each database. */
const useLock = 0x56454955
const firstPauseMs = 100
const maxPauseMs = 5_000

/**
 * Holds an advisory lock in a session of its own: it goes when its process does, however it dies. Where the connection breaks it
 * is taken anew.
 *
 * @param onLost called at most once, where somebody else was alone with the store meanwhile
 * @throws StoreError where the store is in use in a way that excludes this one
 */
export async function holdUse(
  server: PoolConfig,
  use: StoreUse,
  onLost: (error: StoreError) => void,
): Promise<HeldUse> {
  const ending = new AbortController()
  let session = await claim()

  async function claim(): Promise<Client> {
    const client = new Client({ application_name: 'veilcast', ...server, keepAlive: true })
    client.on('error', () => {})
    try {
      await client.connect()
      if (!(await lock(client, use))) throw inUse()
      client.once('end', () => void reclaim())
      return client
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
  }

  async function reclaim(): Promise<void> {
    let pauseMs = firstPauseMs
    while (!ending.signal.aborted) {
      try {
        session = await claim()
        if (ending.signal.aborted) await session.end().catch(() => {})
        return
      } catch (error) {
        if (error instanceof StoreError) {
          if (!ending.signal.aborted) onLost(useLost())
          return
        }
        await delay(pauseMs, undefined, { signal: ending.signal, ref: false }).catch(() => {})
        pauseMs = Math.min(pauseMs * 2, maxPauseMs)
      }
    }
  }

  return {
    async alone(work) {
      const holder = session
      // Our own shared lock is in nobody's way but others'.
      if (!(await lock(holder, 'alone'))) throw inUse()
      try {
        return await work()
      } finally {
        await holder.query('select pg_advisory_unlock($1)', [useLock]).catch(() => {})
      }
    },
    async end() {
      ending.abort()
      await session.end().catch(() => {})
    },
  }
}

async function lock(client: Client, use: StoreUse): Promise<boolean> {
  const taken = use === 'alone' ? 'pg_try_advisory_lock' : 'pg_try_advisory_lock_shared'
  const { rows } = await client.query<{ ours: boolean }>(`select ${taken}($1) as ours`, [useLock])
  return rows[0]?.ours === true
}

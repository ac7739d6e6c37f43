import type { ChainId } from '@veilcast/shared/protocol'
import type { Pool, PoolClient } from 'pg'
import type { Closed, KeptRecord, StoreUpkeep } from '../StoreUpkeep.ts'
import type { Mac } from '../TxStore.ts'
import { failure } from './failure.ts'
import { type Row, toCursor, toRecord, view } from './records.ts'

const pageSize = 256

const put = `
  insert into veilcast.record (key, chain, tx_id_mac, lane_mac, sequence, state, number, bytes, tx_id, detail, exposed_to,
    block_height, block_hash, request_macs, not_after_ms, created_at_ms, changed_at_ms, expires_at_ms)
  select key, chain, tx_id_mac, lane_mac, sequence, state, number, bytes, tx_id, detail, exposed_to, block_height, block_hash,
    string_to_array(request_macs, ' '), not_after_ms, created_at_ms, changed_at_ms, expires_at_ms
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::integer[], $8::bytea[], $9::bytea[],
    $10::bytea[], $11::text[], $12::numeric[], $13::text[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[],
    $18::bigint[])
    r (key, chain, tx_id_mac, lane_mac, sequence, state, number, bytes, tx_id, detail, exposed_to, block_height, block_hash,
      request_macs, not_after_ms, created_at_ms, changed_at_ms, expires_at_ms)`

/** BullMQ's own tables, whatever they are, but for the version of its schema. */
const emptyQueues = `
  do $$ declare t regclass; begin
    for t in select c.oid from pg_class c where c.relkind = 'r' and c.relnamespace = 'bullmq'::regnamespace
      and c.relname <> 'migration' loop execute format('delete from %s', t); end loop;
  end $$`

/** On a server whose schema is there. */
export function postgresUpkeep(pool: Pool): StoreUpkeep {
  async function attempt<T>(action: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw failure(action, error)
    }
  }

  async function inOne(action: string, work: (client: PoolClient) => Promise<void>): Promise<void> {
    await attempt(action, async () => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await work(client)
        await client.query('commit')
      } catch (error) {
        await client.query('rollback').catch(() => {})
        throw error
      } finally {
        client.release()
      }
    })
  }

  return {
    async *records() {
      for (let after = ''; ; ) {
        const { rows } = await attempt('read records', () =>
          pool.query<Row & { found_by: string[] }>(
            `select r.*, array(select q.mac from veilcast.request q where q.key = r.key) as found_by
             from veilcast.record r where key > $1 order by key limit $2`,
            [after, pageSize],
          ),
        )
        const last = rows.at(-1)
        if (last === undefined) return
        yield rows.map((row): KeptRecord => ({ ...toRecord(row), foundBy: row.found_by as Mac[] }))
        after = last.key
      }
    },
    async cursors() {
      const { rows } = await attempt('read cursors', () =>
        pool.query<{ chain: string; trail: [string, string][]; version: number; saved_at_ms: string }>(
          'select * from veilcast.cursor',
        ),
      )
      return rows.map((row) => ({ ...toCursor(row), chain: row.chain as ChainId }))
    },
    async count() {
      const { rows } = await attempt('count records', () =>
        pool.query<{ count: string }>('select count(*) from veilcast.record'),
      )
      return Number(rows[0]?.count)
    },
    put: (list) =>
      inOne('write records', async (client) => {
        const records = list.map(({ record }) => record)
        const column = <T>(value: (record: KeptRecord) => T): T[] => records.map(value)
        await client.query('delete from veilcast.record where key = any ($1::text[])', [
          list.flatMap(({ record, insteadOf }) => [record.key, ...(insteadOf ? [insteadOf] : [])]),
        ])
        await client.query(put, [
          column(({ key }) => key),
          column(({ chain }) => chain),
          column(({ txIdMac }) => txIdMac),
          column(({ laneMac }) => laneMac),
          column(({ sequence }) => sequence?.toString() ?? null),
          column(({ state }) => state),
          column(({ number }) => number),
          column(({ bytes }) => bytes && view(bytes)),
          column(({ txId }) => view(txId)),
          column(({ detail }) => detail && view(detail)),
          column(({ exposedTo }) => exposedTo),
          column(({ blockHeight }) => blockHeight?.toString() ?? null),
          column(({ blockHash }) => blockHash),
          column(({ requestMacs }) => requestMacs.join(' ')),
          column(({ notAfterMs }) => notAfterMs),
          column(({ createdAtMs }) => createdAtMs),
          column(({ changedAtMs }) => changedAtMs),
          column(({ expiresAtMs }) => expiresAtMs),
        ])
        const requests = records.flatMap(({ key, foundBy }) => foundBy.map((mac) => [mac, key] as const))
        await client.query(
          `insert into veilcast.request select * from unnest($1::text[], $2::text[])
           on conflict (mac) do update set key = excluded.key`,
          [requests.map(([mac]) => mac), requests.map(([, key]) => key)],
        )
      }),
    empty: () =>
      inOne('delete its records', async (client) => {
        for (const table of ['record', 'cursor', 'lease', 'process', 'sample', 'audit']) {
          await client.query(`delete from veilcast.${table}`)
        }
        await client.query(emptyQueues)
      }),
    async closed() {
      const { rows } = await attempt('tell what it is', () =>
        pool.query<{ closed: Closed | null }>('select closed from veilcast.life'),
      )
      return rows[0]?.closed ?? null
    },
    async close(why) {
      await attempt('be closed', () => pool.query('update veilcast.life set closed = $1', [why]))
    },
    async sealedBy() {
      const { rows } = await attempt('tell what it is', () =>
        pool.query<{ sealed_by: string | null }>('select sealed_by from veilcast.life'),
      )
      return rows[0]?.sealed_by ?? null
    },
    async sealFor(fingerprint) {
      await attempt('be sealed', () => pool.query('update veilcast.life set sealed_by = $1', [fingerprint]))
    },
  }
}

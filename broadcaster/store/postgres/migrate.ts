import type { ClientBase } from 'pg'
import { StoreError } from '../TxStore.ts'
import { migrations } from './schema.ts'

/** Spells `VEIL`: the advisory lock under which one starter at a time migrates. */
const migrationLock = 0x5645494c

/** Brings the schema `veilcast` up to date in one transaction: all of it, or nothing. */
export async function migrate(client: ClientBase): Promise<void> {
  await client.query('begin')
  try {
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
    await client.query('create schema if not exists veilcast')
    await client.query(
      'create table if not exists veilcast.migration (version integer primary key, applied_at timestamptz not null default now())',
    )
    const { rows } = await client.query<{ version: number }>(
      'select coalesce(max(version), 0)::integer as version from veilcast.migration',
    )
    const version = rows[0]?.version ?? 0
    if (version > migrations.length) {
      throw new StoreError(
        `The record's schema has version ${version}, and this release knows ${migrations.length}: run a newer one.`,
      )
    }
    for (const [index, sql] of migrations.entries()) {
      if (index < version) continue
      await client.query(sql)
      await client.query('insert into veilcast.migration (version) values ($1)', [index + 1])
    }
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

import type { ClientBase } from 'pg'
import type { HeldUse } from '../StoreUse.ts'
import { leavesMajor, type StoreStep, type StoreVersion, stepsDue } from '../storeVersion.ts'
import { migrations } from './schema.ts'

/** Spells `VEIL`: the advisory lock under which one starter at a time migrates. */
const migrationLock = 0x5645494c

/**
 * Brings the schema `veilcast` up to date in one transaction: all of it, or nothing. A step after which older releases cannot
 * work is taken by who is alone only.
 *
 * @param known default: those of this release
 * @throws StoreError where the schema is of a newer major, or others use one that is to be left
 */
export async function migrate(
  client: ClientBase,
  use: HeldUse,
  known: readonly StoreStep<string>[] = migrations,
): Promise<void> {
  if (leavesMajor(...(await look(client, known)))) await use.alone(() => step(client, known))
  else await step(client, known)
}

async function look(
  client: ClientBase,
  known: readonly StoreStep<string>[],
): Promise<[StoreVersion, ReturnType<typeof stepsDue>]> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('veilcast.migration') is not null as there`,
  )
  const found = rows[0]?.there ? await versionOf(client) : { step: 0, major: 0 }
  return [found, stepsDue(found, known)]
}

async function step(client: ClientBase, known: readonly StoreStep<string>[]): Promise<void> {
  await client.query('begin')
  try {
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
    await client.query('create schema if not exists veilcast')
    await client.query(
      'create table if not exists veilcast.migration (version integer primary key, applied_at timestamptz not null default now())',
    )
    // The first releases had no word for it: what they made is of major 1.
    await client.query(
      'alter table veilcast.migration add column if not exists major integer not null default 1',
    )
    for (const [version, { major, work }] of stepsDue(await versionOf(client), known)) {
      await client.query(work)
      await client.query('insert into veilcast.migration (version, major) values ($1, $2)', [version, major])
    }
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function versionOf(client: ClientBase): Promise<StoreVersion> {
  // A row as JSON, since the first releases had no column `major`.
  const { rows } = await client.query<{ step: number; major: number }>(
    `select coalesce(max(version), 0)::integer as step,
       coalesce(max(coalesce((to_jsonb(m) ->> 'major')::integer, 1)), 0)::integer as major
     from veilcast.migration m`,
  )
  return rows[0] ?? { step: 0, major: 0 }
}

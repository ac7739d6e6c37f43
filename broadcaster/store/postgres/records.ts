import { createHash } from 'node:crypto'
import type { ChainId, Durability } from '@veilcast/shared/protocol'
import type { Pool, QueryResultRow } from 'pg'
import { type BatchLimits, inBatches } from '../inBatches.ts'
import {
  type Admitted,
  type ChainCursor,
  type Mac,
  maxRequestsPerRecord,
  maxTrailBlocks,
  type RecordState,
  type TxDraft,
  type TxKey,
  type TxPatch,
  type TxRecord,
  type TxStore,
} from '../TxStore.ts'
import { failure } from './failure.ts'
import { watchRecords } from './watchRecords.ts'

export interface Row {
  readonly key: string
  readonly chain: string
  readonly tx_id_mac: string
  readonly lane_mac: string | null
  readonly sequence: string | null
  readonly state: string
  readonly number: number
  readonly bytes: Buffer | null
  readonly tx_id: Buffer
  readonly detail: Buffer | null
  readonly exposed_to: string | null
  readonly block_height: string | null
  readonly block_hash: string | null
  readonly request_macs: string[]
  readonly not_after_ms: string
  readonly created_at_ms: string
  readonly changed_at_ms: string
  readonly expires_at_ms: string | null
}

const live = `state in ('held', 'exposed', 'included')`

/** Every statement has a name, so that a connection prepares it once. */
const statements = {
  ping: 'select 1',
  incarnation: `
    select l.id, l.restores, s.system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline,
      current_setting('fsync') = 'on' and current_setting('synchronous_commit') <> 'off' as durable
    from veilcast.life l, pg_control_system() s`,
  restored: 'update veilcast.life set restores = restores + 1',
  known: 'select known from veilcast.life',
  acknowledge: 'update veilcast.life set known = $1',
  // In the order of the keys, so that two processes never wait for each other.
  admit: `
    select d.place, a.how, (a.r).*
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::bytea[], $7::bytea[], $8::text[],
        $9::bigint[], $10::bigint[]) with ordinality
        d (key, chain, tx_id_mac, lane_mac, sequence, bytes, tx_id, request, not_after_ms, now_ms, place)
      cross join lateral veilcast.admit(d.key, d.chain, d.tx_id_mac, d.lane_mac, d.sequence, d.bytes, d.tx_id, d.request,
        d.not_after_ms, d.now_ms, $11) a`,
  get: 'select * from veilcast.record where key = any ($1::text[])',
  byRequest: 'select r.* from veilcast.request q join veilcast.record r on r.key = q.key where q.mac = $1',
  // The whole condition of the index record_lane, and then some.
  lane: `
    select * from veilcast.record where chain = $1 and lane_mac = $2 and ${live} and state <> 'included'
    order by state = 'exposed', sequence, key limit $3`,
  update: `
    with patch as (
      select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::boolean[], $6::boolean[], $7::bytea[],
          $8::boolean[], $9::text[], $10::boolean[], $11::numeric[], $12::boolean[], $13::text[], $14::boolean[],
          $15::bigint[])
        p (key, expected, now_ms, state, erases_bytes, sets_detail, detail, sets_exposed_to, exposed_to, sets_block_height,
          block_height, sets_block_hash, block_hash, sets_expires_at_ms, expires_at_ms)
    ), locked as materialized (
      select key from veilcast.record where key = any ($1::text[]) order by key for update
    ), changed as (
      update veilcast.record r set
        number = r.number + 1, state = coalesce(p.state, r.state),
        changed_at_ms = case when p.sets_detail or p.state <> r.state then p.now_ms else r.changed_at_ms end,
        bytes = case when p.erases_bytes then null else r.bytes end,
        detail = case when p.sets_detail then p.detail else r.detail end,
        exposed_to = case when p.sets_exposed_to then p.exposed_to else r.exposed_to end,
        block_height = case when p.sets_block_height then p.block_height else r.block_height end,
        block_hash = case when p.sets_block_hash then p.block_hash else r.block_hash end,
        expires_at_ms = case when p.sets_expires_at_ms then p.expires_at_ms else r.expires_at_ms end
      from patch p join locked l on l.key = p.key
      where r.key = p.key and r.number = p.expected returning r.*
    ) select changed.*, pg_notify('veilcast_record', key) from changed`,
  match: `
    select * from veilcast.record where state in ('held', 'exposed', 'included', 'lapsed') and key in (
      select key from veilcast.record where chain = $1 and tx_id_mac = any ($2::text[])
      union
      select r.key from unnest($3::text[], $4::numeric[]) s (lane, sequence)
        join veilcast.record r on r.chain = $1 and r.lane_mac = s.lane and r.sequence = s.sequence
    ) order by key`,
  listLive: `select * from veilcast.record where chain = $1 and ${live} and key > $2 order by key limit $3`,
  settledUpTo: `
    select * from veilcast.record where chain = $1 and ${live} and block_height is not null and block_height <= $2
    order by block_height, key limit $3`,
  inBlock: `
    select * from veilcast.record where chain = $1 and ${live} and block_height is not null and block_height = $2
      and block_hash = $3 order by key`,
  countLive: `select count(*)::integer as count from veilcast.record where chain = $1 and ${live}`,
  countWaiting: `
    select count(*)::integer as count from veilcast.record where chain = $1 and ${live} and state <> 'included'`,
  countLane: `
    select count(*)::integer as count from veilcast.record
    where chain = $1 and lane_mac = $2 and ${live} and state <> 'included'`,
  countUnsent: `
    select count(*)::integer as count from (
      select 1 from veilcast.record where chain = $1 and state in ('refused', 'lapsed') and exposed_to is null limit $2
    ) unsent`,
  cursor: 'select trail, version, saved_at_ms from veilcast.cursor where chain = $1',
  firstCursor:
    'insert into veilcast.cursor values ($1, $2, 1, $3) on conflict (chain) do nothing returning version',
  nextCursor: `
    update veilcast.cursor set trail = $2, saved_at_ms = $3, version = version + 1
    where chain = $1 and version = $4 returning version`,
  lease: `
    insert into veilcast.lease values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
    on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
      where lease.owner = excluded.owner or lease.expires_at <= clock_timestamp()
    returning name`,
  unlease: 'delete from veilcast.lease where name = $1 and owner = $2',
  sweep: `
    with old as (
      select key from veilcast.record where expires_at_ms <= $1 order by expires_at_ms limit $2 for update skip locked
    ), gone as (
      delete from veilcast.record r using old where r.key = old.key returning 1
    ) select count(*)::integer as count from gone`,
  sweepLeases: `
    delete from veilcast.lease where name in (
      select name from veilcast.lease where expires_at <= clock_timestamp() limit $1 for update skip locked)`,
} as const

/** Admissions and changes that come together are one commit, and one wait for the disk. */
const writeLimits: BatchLimits = { maxItemsPerBatch: 64, maxBatchesUnderWay: 2, maxItemsWaiting: 8_192 }
const readLimits: BatchLimits = { maxItemsPerBatch: 128, maxBatchesUnderWay: 2, maxItemsWaiting: 8_192 }

interface Change {
  readonly key: TxKey
  readonly expected: number
  readonly patch: TxPatch
  readonly nowMs: number
}

/** The record on a server whose schema is there. */
export interface PostgresRecords extends Omit<TxStore, 'start'> {
  markRestored(): Promise<void>
}

/** @param durability what the server said at the start */
export function postgresRecords(pool: Pool, durability: Durability): PostgresRecords {
  const changes = watchRecords(pool)
  let worth = durability

  async function run<R extends QueryResultRow>(
    name: keyof typeof statements,
    values: unknown[],
  ): Promise<R[]> {
    try {
      return (await pool.query<R>({ name, text: statements[name], values })).rows
    } catch (error) {
      throw failure(words[name], error)
    }
  }
  const records = async (name: keyof typeof statements, values: unknown[]): Promise<TxRecord[]> =>
    (await run<Row & QueryResultRow>(name, values)).map(toRecord)
  const count = async (name: keyof typeof statements, values: unknown[]): Promise<number> =>
    (await run<{ count: number }>(name, values))[0]?.count ?? 0

  const admitAll = inBatches(writeLimits, async (drafts: readonly TxDraft[]) => {
    const inOrder = drafts.map((draft, index) => ({ draft, index }))
    inOrder.sort((a, b) => compare(a.draft.key, b.draft.key))
    const column = <T>(value: (draft: TxDraft) => T): T[] => inOrder.map(({ draft }) => value(draft))
    const rows = await run<Row & { place: string; how: Admitted['how'] }>('admit', [
      column((draft) => draft.key),
      column((draft) => draft.chain),
      column((draft) => draft.txIdMac),
      column((draft) => draft.laneMac),
      column((draft) => draft.sequence?.toString() ?? null),
      column((draft) => view(draft.bytes)),
      column((draft) => view(draft.txId)),
      column((draft) => draft.requestMac),
      column((draft) => draft.notAfterMs),
      column((draft) => draft.nowMs),
      maxRequestsPerRecord,
    ])
    const admitted: Admitted[] = []
    for (const row of rows) {
      const index = inOrder[Number(row.place) - 1]?.index
      if (index !== undefined) admitted[index] = { record: toRecord(row), how: row.how }
    }
    return admitted
  })

  const getAll = inBatches(readLimits, async (keys: readonly TxKey[]) => {
    const found = new Map((await records('get', [keys])).map((record) => [record.key, record]))
    return keys.map((key) => found.get(key) ?? null)
  })

  const updateAll = inBatches(writeLimits, async (changes: readonly Change[]) => {
    const changed: (TxRecord | null)[] = []
    // One statement changes a row once.
    let rest = changes.map((change, index) => ({ change, index }))
    while (rest.length > 0) {
      const seen = new Set<TxKey>()
      const turn = rest.filter(({ change }) => !seen.has(change.key) && seen.add(change.key))
      const found = await updateEach(turn.map(({ change }) => change)).catch((error: unknown) => {
        // The turns before it are committed, and have their answers; the others go without.
        if (changed.length === 0) throw error
      })
      if (!found) break
      for (const { change, index } of turn) changed[index] = found.get(change.key) ?? null
      rest = rest.filter((one) => !turn.includes(one))
    }
    return changed
  })

  async function updateEach(changes: readonly Change[]): Promise<Map<TxKey, TxRecord>> {
    const column = <T>(value: (patch: TxPatch) => T): T[] => changes.map(({ patch }) => value(patch))
    const rows = await records('update', [
      changes.map(({ key }) => key),
      changes.map(({ expected }) => expected),
      changes.map(({ nowMs }) => nowMs),
      column((patch) => patch.state ?? null),
      column((patch) => patch.bytes === null),
      column((patch) => patch.detail !== undefined),
      column((patch) => (patch.detail ? view(patch.detail) : null)),
      column((patch) => patch.exposedTo !== undefined),
      column((patch) => patch.exposedTo ?? null),
      column((patch) => patch.blockHeight !== undefined),
      column((patch) => patch.blockHeight?.toString() ?? null),
      column((patch) => patch.blockHash !== undefined),
      column((patch) => patch.blockHash ?? null),
      column((patch) => patch.expiresAtMs !== undefined),
      column((patch) => patch.expiresAtMs ?? null),
    ])
    return new Map(rows.map((record) => [record.key, record]))
  }

  return {
    get durability() {
      return worth
    },
    async ping() {
      await run('ping', [])
    },
    async incarnation() {
      const [row] = await run<{
        id: string
        restores: number
        system_identifier: string
        timeline: string
        durable: boolean
      }>('incarnation', [])
      // Another server may answer now, or the same one with other settings.
      worth = row?.durable ? 'fsync' : 'memory'
      const text = `${row?.system_identifier} ${row?.timeline} ${row?.id} ${row?.restores}`
      return new Uint8Array(createHash('sha256').update(text).digest().subarray(0, 8))
    },
    async knownIncarnation() {
      const [row] = await run<{ known: Uint8Array | null }>('known', [])
      return row?.known ? new Uint8Array(row.known) : null
    },
    async acknowledgeIncarnation(incarnation) {
      await run('acknowledge', [view(incarnation)])
    },
    async markRestored() {
      await run('restored', [])
    },
    admit: (draft) => admitAll(draft),
    get: (key) => getAll(key),
    async byRequest(requestMac) {
      return (await records('byRequest', [requestMac]))[0] ?? null
    },
    lane: (chain, laneMac, limit) => records('lane', [chain, laneMac, limit]),
    update: (key, expected, patch, nowMs) => updateAll({ key, expected, patch, nowMs }),
    match: (chain, txIdMacs, slots) =>
      records('match', [
        chain,
        txIdMacs,
        slots.map((slot) => slot.laneMac),
        slots.map((slot) => slot.sequence.toString()),
      ]),
    listLive: (chain, { after, limit }) => records('listLive', [chain, after ?? '', limit]),
    settledUpTo: (chain, height, limit) => records('settledUpTo', [chain, height, limit]),
    inBlock: (chain, block) => records('inBlock', [chain, block.height, block.hash]),
    countLive: (chain) => count('countLive', [chain]),
    countWaiting: (chain) => count('countWaiting', [chain]),
    countLane: (chain, laneMac) => count('countLane', [chain, laneMac]),
    countUnsent: (chain, limit) => count('countUnsent', [chain, limit]),
    async cursor(chain) {
      const [row] = await run<{ trail: [string, string][]; version: number; saved_at_ms: string }>('cursor', [
        chain,
      ])
      return row === undefined ? null : toCursor(row)
    },
    async saveCursor(chain, trail, expectedVersion, nowMs) {
      if (trail.length > maxTrailBlocks) {
        throw new RangeError(`A trail holds at most ${maxTrailBlocks} blocks, not ${trail.length}.`)
      }
      const json = JSON.stringify(trail.map((block) => [block.height.toString(), block.hash]))
      const rows =
        expectedVersion === 0
          ? await run('firstCursor', [chain, json, nowMs])
          : await run('nextCursor', [chain, json, nowMs, expectedVersion])
      return rows.length > 0
    },
    async lease(name, owner, ttlMs) {
      return (await run('lease', [name, owner, ttlMs])).length > 0
    },
    async unlease(name, owner) {
      await run('unlease', [name, owner])
    },
    async sweep(nowMs, limit) {
      await run('sweepLeases', [limit])
      return count('sweep', [nowMs, limit])
    },
    watch: changes.watch,
    stop: changes.stop,
  }
}

/** Completes "Postgres could not ...". */
const words: Record<keyof typeof statements, string> = {
  ping: 'answer',
  incarnation: 'tell its incarnation',
  restored: 'raise its incarnation',
  known: 'tell its incarnation',
  acknowledge: 'write down its incarnation',
  admit: 'admit a transaction',
  get: 'read a record',
  byRequest: 'read a record',
  lane: 'read records',
  update: 'update a record',
  match: 'match a block',
  listLive: 'list records',
  settledUpTo: 'list records',
  inBlock: 'list records',
  countLive: 'count records',
  countWaiting: 'count records',
  countLane: 'count records',
  countUnsent: 'count records',
  cursor: 'read a cursor',
  firstCursor: 'save a cursor',
  nextCursor: 'save a cursor',
  lease: 'lease',
  unlease: 'end a lease',
  sweep: 'sweep records',
  sweepLeases: 'sweep leases',
}

export function toRecord(row: Row): TxRecord {
  return {
    key: row.key as TxKey,
    chain: row.chain as ChainId,
    txIdMac: row.tx_id_mac as Mac,
    laneMac: row.lane_mac as Mac | null,
    sequence: row.sequence === null ? null : BigInt(row.sequence),
    state: row.state as RecordState,
    number: row.number,
    bytes: row.bytes && new Uint8Array(row.bytes),
    txId: new Uint8Array(row.tx_id),
    detail: row.detail && new Uint8Array(row.detail),
    exposedTo: row.exposed_to,
    blockHeight: row.block_height === null ? null : BigInt(row.block_height),
    blockHash: row.block_hash,
    requestMacs: row.request_macs as Mac[],
    notAfterMs: Number(row.not_after_ms),
    createdAtMs: Number(row.created_at_ms),
    changedAtMs: Number(row.changed_at_ms),
    expiresAtMs: row.expires_at_ms === null ? null : Number(row.expires_at_ms),
  }
}

export function toCursor(row: {
  trail: [string, string][]
  version: number
  saved_at_ms: string
}): ChainCursor {
  return {
    trail: row.trail.map(([height, hash]) => ({ height: BigInt(height), hash })),
    version: row.version,
    savedAtMs: Number(row.saved_at_ms),
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** pg takes Buffers only. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

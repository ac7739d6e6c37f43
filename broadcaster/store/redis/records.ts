import { createHash, randomUUID } from 'node:crypto'
import type { ChainId, Durability } from '@veilcast/shared/protocol'
import {
  type Admitted,
  type BlockRef,
  type Mac,
  maxRequestsPerRecord,
  maxTrailBlocks,
  type RecordState,
  type TxKey,
  type TxRecord,
  type TxStore,
} from '../TxStore.ts'
import { nodeOf, type RedisClient } from './connectClient.ts'
import { failure } from './failure.ts'
import { prefix, runScript, type ScriptName, type ScriptReply } from './scripts.ts'
import { watchRecords } from './watchRecords.ts'

/** The record on a server that is up and checked. */
export interface RedisRecords extends Omit<TxStore, 'start'> {
  markRestored(): Promise<void>
}

/**
 * @param check says what an acknowledgement of the server is worth now
 * @param connect opens a connection that `watch` may subscribe */
export function redisRecords(
  client: RedisClient,
  durability: Durability,
  check: () => Promise<Durability>,
  connect: () => Promise<RedisClient>,
): RedisRecords {
  const changes = watchRecords(connect)
  let worth = durability
  // Another server may answer next, or the same one with other settings.
  const doubt = (): void => {
    worth = 'memory'
  }
  const lookAgain = (): void => void look().catch(() => {})
  client.on('close', doubt).on('ready', lookAgain)
  // Of a cluster.
  client.on('-node', doubt).on('+node', lookAgain)

  async function look(): Promise<void> {
    worth = await check()
  }

  async function attempt<T>(action: string, command: () => Promise<T>): Promise<T> {
    try {
      return await command()
    } catch (error) {
      throw failure(action, error)
    }
  }
  const run = (name: ScriptName, ...args: (string | number | Buffer)[]): Promise<ScriptReply> =>
    attempt(words[name], () => runScript(client, name, args))
  const find = async (...args: (string | number)[]): Promise<TxRecord[]> =>
    toRecords(await run('find', ...args))

  return {
    get durability() {
      return worth
    },
    async ping() {
      // Of a cluster, the node that holds the record.
      await attempt('answer', () => client.exists(`${prefix}:life`))
    },
    async incarnation() {
      return attempt('tell its incarnation', async () => {
        await look()
        // Made at the first look, and made anew after the data was flushed.
        await client.hsetnx(`${prefix}:life`, 'id', randomUUID())
        const [life, info] = await Promise.all([
          client.hmget(`${prefix}:life`, 'id', 'restores'),
          nodeOf(client, prefix).then((node) => node.info('replication')),
        ])
        const replication = /^master_replid:(\w+)/m.exec(info)?.[1]
        const text = `${replication} ${life[0]} ${life[1] ?? 0}`
        return new Uint8Array(createHash('sha256').update(text).digest().subarray(0, 8))
      })
    },
    async knownIncarnation() {
      const known = await attempt('tell its incarnation', () => client.hget(`${prefix}:life`, 'known'))
      return known === null ? null : new Uint8Array(Buffer.from(known, 'hex'))
    },
    async acknowledgeIncarnation(incarnation) {
      const known = Buffer.from(incarnation).toString('hex')
      await attempt('write down its incarnation', () => client.hset(`${prefix}:life`, 'known', known))
    },
    async markRestored() {
      await attempt('raise its incarnation', () => client.hincrby(`${prefix}:life`, 'restores', 1))
    },
    async admit(draft) {
      const reply = await run(
        'admit',
        draft.key,
        draft.chain,
        draft.txIdMac,
        draft.laneMac ?? '',
        draft.sequence?.toString() ?? '',
        view(draft.bytes),
        view(draft.txId),
        draft.requestMac,
        draft.notAfterMs,
        draft.nowMs,
        maxRequestsPerRecord,
      )
      const [how, fields] = Array.isArray(reply) ? reply : []
      const record = toRecord(fields)
      if (record === null) throw failure(words.admit, undefined)
      return { record, how: String(how) as Admitted['how'] }
    },
    async get(key) {
      const fields = await attempt('read a record', () => client.hgetallBuffer(`${prefix}:record:${key}`))
      return toRecord(Object.entries(fields).flatMap(([name, value]) => [Buffer.from(name), value]))
    },
    byRequest: async (requestMac) => (await find('request', requestMac))[0] ?? null,
    async lane(chain, laneMac, limit) {
      return (await find('lane', chain, laneMac)).sort(byTurn).slice(0, limit)
    },
    async update(key, expected, patch, nowMs) {
      const { sets, clears } = spread(patch)
      return toRecord(await run('update', key, expected, nowMs, sets.length / 2, ...sets, ...clears))
    },
    async match(chain, txIdMacs, slots) {
      const places = slots.map((slot) => `${slot.laneMac}:${slot.sequence}`)
      return toRecords(await run('match', chain, txIdMacs.length, ...txIdMacs, ...places))
    },
    listLive: (chain, { after, limit }) => find('live', chain, after ?? '', limit),
    settledUpTo: (chain, height, limit) => find('settled', chain, height.toString(), limit),
    inBlock: (chain, block) => find('block', chain, block.height.toString(), block.hash),
    countLive: (chain) => attempt('count records', () => client.zcard(`${prefix}:live:${chain}`)),
    countWaiting: (chain) => attempt('count records', () => client.scard(`${prefix}:waiting:${chain}`)),
    countLane: (chain, laneMac) =>
      attempt('count records', () => client.scard(`${prefix}:lane:${chain}:${laneMac}`)),
    countUnsent: async (chain, limit) =>
      Math.min(limit, await attempt('count records', () => client.scard(`${prefix}:unsent:${chain}`))),
    async cursor(chain) {
      const [trail, version, savedAtMs] = await attempt('read a cursor', () =>
        client.hmget(`${prefix}:cursor:${chain}`, 'trail', 'version', 'savedAtMs'),
      )
      if (trail == null) return null
      return { trail: toTrail(trail), version: Number(version), savedAtMs: Number(savedAtMs) }
    },
    async saveCursor(chain, trail, expectedVersion, nowMs) {
      if (trail.length > maxTrailBlocks) {
        throw new RangeError(`A trail holds at most ${maxTrailBlocks} blocks, not ${trail.length}.`)
      }
      const json = JSON.stringify(trail.map((block) => [block.height.toString(), block.hash]))
      return (await run('saveCursor', chain, expectedVersion, json, nowMs)) === 1
    },
    async lease(name, owner, ttlMs) {
      return (await run('lease', name, owner, Math.max(1, Math.ceil(ttlMs)))) === 1
    },
    async unlease(name, owner) {
      await run('unlease', name, owner)
    },
    sweep: async (nowMs, limit) => Number(await run('sweep', nowMs, limit)),
    watch: changes.watch,
    stop: changes.stop,
  }
}

/** Completes "Redis could not ...". */
const words: Record<ScriptName, string> = {
  admit: 'admit a transaction',
  update: 'update a record',
  find: 'read records',
  match: 'match a block',
  sweep: 'sweep records',
  saveCursor: 'save a cursor',
  lease: 'lease',
  unlease: 'end a lease',
  publish: 'take a report',
  processes: 'read the reports',
  forgetProcess: 'forget a report',
  put: 'write records',
  claim: 'be claimed',
  disclaim: 'be left',
}

/** Null clears a field, undefined leaves it. */
function spread(patch: object): { sets: (string | Buffer)[]; clears: string[] } {
  const sets: (string | Buffer)[] = []
  const clears: string[] = []
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) clears.push(name)
    else if (value !== undefined) sets.push(name, value instanceof Uint8Array ? view(value) : String(value))
  }
  return { sets, clears }
}

function toRecords(reply: ScriptReply): TxRecord[] {
  return Array.isArray(reply) ? reply.map(toRecord).filter((record) => record !== null) : []
}

/** As `toRecord` reads it: fields and values in turn. */
export function fieldsOf(record: TxRecord): (string | Buffer)[] {
  const { requestMacs, ...rest } = record
  const { sets } = spread({ ...rest, requests: requestMacs.join(' ') })
  return sets
}

/** @param reply a hash as fields and values in turn, or nothing where there is none */
export function toRecord(reply: ScriptReply | undefined): TxRecord | null {
  if (!Array.isArray(reply) || reply.length === 0) return null
  const fields = new Map<string, Buffer>()
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), reply[i + 1] as Buffer)
  const text = (name: string): string | null => fields.get(name)?.toString() ?? null
  const number = (name: string): number | null => (fields.has(name) ? Number(text(name)) : null)
  const integer = (name: string): bigint | null => (fields.has(name) ? BigInt(text(name) ?? '') : null)
  const bytes = (name: string): Uint8Array | null => {
    const value = fields.get(name)
    return value === undefined ? null : new Uint8Array(value)
  }
  return {
    key: text('key') as TxKey,
    chain: text('chain') as ChainId,
    txIdMac: text('txIdMac') as Mac,
    laneMac: text('laneMac') as Mac | null,
    sequence: integer('sequence'),
    state: text('state') as RecordState,
    number: number('number') ?? 0,
    bytes: bytes('bytes'),
    txId: bytes('txId') ?? new Uint8Array(),
    detail: bytes('detail'),
    exposedTo: text('exposedTo'),
    blockHeight: integer('blockHeight'),
    blockHash: text('blockHash'),
    requestMacs: (text('requests') ?? '').split(' ') as Mac[],
    notAfterMs: number('notAfterMs') ?? 0,
    createdAtMs: number('createdAtMs') ?? 0,
    changedAtMs: number('changedAtMs') ?? 0,
    expiresAtMs: number('expiresAtMs'),
  }
}

/** Sequences have 64 bits, which Lua does not: they are put in order here. */
function byTurn(a: TxRecord, b: TxRecord): number {
  if (a.state !== b.state) return a.state === 'held' ? -1 : 1
  if (a.sequence !== b.sequence) return (a.sequence ?? 0n) < (b.sequence ?? 0n) ? -1 : 1
  return a.key < b.key ? -1 : 1
}

export function toTrail(json: string): BlockRef[] {
  return (JSON.parse(json) as [string, string][]).map(([height, hash]) => ({ height: BigInt(height), hash }))
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

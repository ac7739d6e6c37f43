import type { ChainId } from '@veilcast/shared/protocol'
import type { Closed, KeptCursor, KeptRecord, StoreUpkeep } from '../StoreUpkeep.ts'
import type { Mac } from '../TxStore.ts'
import { nodeOf, type RedisClient } from './connectClient.ts'
import { failure } from './failure.ts'
import { queuePrefix } from './queues.ts'
import { fieldsOf, toRecord, toTrail } from './records.ts'
import { prefix, runScript } from './scripts.ts'

const pageSize = 256
const life = `${prefix}:life`
/** What says of the store itself what it is, and who has it. */
const kept: ReadonlySet<string> = new Set([life, `${prefix}:users`, `${prefix}:alone`])

/** On a server that is up and checked. */
export function redisUpkeep(client: RedisClient): StoreUpkeep {
  async function attempt<T>(action: string, command: () => Promise<T>): Promise<T> {
    try {
      return await command()
    } catch (error) {
      throw failure(action, error)
    }
  }

  /** Keys that begin so, in pages; a page may be empty. */
  async function* keysUnder(start: string): AsyncIterable<readonly string[]> {
    // Of a cluster, where all of them lie.
    const node = await attempt('list its keys', () => nodeOf(client, start))
    let cursor = '0'
    do {
      const [next, keys] = await attempt('list its keys', () =>
        node.scan(cursor, 'MATCH', `${start}*`, 'COUNT', pageSize),
      )
      cursor = next
      if (keys.length > 0) yield keys
    } while (cursor !== '0')
  }

  async function read(recordKey: string): Promise<KeptRecord | null> {
    const fields = await client.hgetallBuffer(recordKey)
    const record = toRecord(Object.entries(fields).flatMap(([name, value]) => [Buffer.from(name), value]))
    if (record === null) return null
    const owners = await Promise.all(
      record.requestMacs.map((mac): Promise<string | null> => client.get(`${prefix}:request:${mac}`)),
    )
    const foundBy = record.requestMacs.filter((_mac, index): boolean => owners[index] === record.key)
    return { ...record, foundBy: foundBy as readonly Mac[] }
  }

  return {
    async *records() {
      for await (const keys of keysUnder(`${prefix}:record:`)) {
        const page = await attempt('read records', () => Promise.all(keys.map(read)))
        yield page.filter((record) => record !== null)
      }
    },
    async cursors() {
      const found: KeptCursor[] = []
      const start = `${prefix}:cursor:`
      for await (const keys of keysUnder(start)) {
        for (const key of keys) {
          const { trail, version, savedAtMs } = await attempt('read a cursor', () => client.hgetall(key))
          if (trail === undefined) continue
          found.push({
            chain: key.slice(start.length) as ChainId,
            trail: toTrail(trail),
            version: Number(version),
            savedAtMs: Number(savedAtMs),
          })
        }
      }
      return found
    },
    async count() {
      // Each lives, or waits for its end.
      let count = await attempt('count records', () => client.zcard(`${prefix}:expiry`))
      const lives = new Set<string>()
      for await (const keys of keysUnder(`${prefix}:live:`)) for (const key of keys) lives.add(key)
      for (const key of lives) count += await attempt('count records', () => client.zcard(key))
      return count
    },
    async put(list) {
      await attempt('write records', () =>
        Promise.all(
          list.map(({ record: { foundBy, ...record }, insteadOf }) => {
            const fields = fieldsOf(record)
            return runScript(client, 'put', [
              record.key,
              insteadOf ?? '',
              fields.length / 2,
              ...fields,
              ...foundBy,
            ])
          }),
        ),
      )
    },
    async empty() {
      for (const start of [`${prefix}:`, `${queuePrefix}:`]) {
        for await (const keys of keysUnder(start)) {
          const gone = keys.filter((key) => !kept.has(key))
          if (gone.length > 0) await attempt('delete its records', () => client.unlink(...gone))
        }
      }
    },
    closed: async () =>
      (await attempt('tell what it is', () => client.hget(life, 'closed'))) as Closed | null,
    async close(why) {
      await attempt('be closed', () =>
        why === null ? client.hdel(life, 'closed') : client.hset(life, 'closed', why),
      )
    },
    sealedBy: () => attempt('tell what it is', () => client.hget(life, 'sealedBy')),
    async sealFor(fingerprint) {
      await attempt('be sealed', () => client.hset(life, 'sealedBy', fingerprint))
    },
  }
}

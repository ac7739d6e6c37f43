import type { Durability } from '@veilcast/shared/protocol'
import type { Redis } from 'ioredis'
import { StoreError } from '../TxStore.ts'
import type { RedisPlace } from './connectClient.ts'

const minVersion = 7

/**
 * Refuses a server that could lose or drop records, and says what an acknowledgement of it is worth: `fsync` only with
 * `appendonly yes` and `appendfsync always`. With `everysec` a crash takes up to a second of what was acknowledged, and a
 * replica may lag as far: both are `memory`.
 */
export async function checkServer(
  client: Redis,
  { cluster = false }: Pick<RedisPlace, 'cluster'> = {},
): Promise<Durability> {
  const info = await client.info()
  const field = (name: string): string => new RegExp(`^${name}:(.*)\r?$`, 'm').exec(info)?.[1]?.trim() ?? ''

  const version = field('redis_version')
  if (Number.parseInt(version, 10) < minVersion) {
    throw new StoreError(`Redis ${minVersion} or newer is needed, and this is ${version}.`)
  }
  if (field('cluster_enabled') === '1' && !cluster) {
    throw new StoreError(
      'This Redis is one node of a cluster: set cluster to true, or name a server of its own.',
    )
  }
  if (field('role') !== 'master') throw new StoreError('This Redis is a replica: name the primary.')
  const policy = field('maxmemory_policy')
  if (policy !== 'noeviction') {
    throw new StoreError(
      `This Redis may drop records when memory runs out (maxmemory-policy ${policy}): set it to noeviction.`,
    )
  }
  if (field('aof_enabled') !== '1') return 'memory'
  // Where CONFIG is forbidden, as on managed servers, nothing is promised.
  const config = await client
    .config('GET', 'appendfsync', 'no-appendfsync-on-rewrite')
    .catch((): unknown => [])
  const pairs = Array.isArray(config) ? config.map(String) : []
  const setting = (name: string): string | undefined => pairs[pairs.indexOf(name) + 1]
  return pairs.length > 0 &&
    setting('appendfsync') === 'always' &&
    setting('no-appendfsync-on-rewrite') === 'no'
    ? 'fsync'
    : 'memory'
}

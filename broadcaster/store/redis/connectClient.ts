import { type RedisOptions as AnyRedisOptions, Cluster, type ClusterOptions, Redis } from 'ioredis'
import { StoreError } from '../TxStore.ts'

export type RedisOptions = Omit<AnyRedisOptions, 'replyMapping'>

/** One server, or a cluster: a hash tag keeps all of the record on one node of it, and all of the queues. */
export type RedisClient = Redis | Cluster

export interface RedisPlace {
  /** `redis://user:password@host:port/0`, or `rediss:` for TLS. Of a cluster any of its nodes, or several. */
  readonly url: string | readonly string[]
  /** Default false. */
  readonly cluster?: boolean | undefined
}

const slotsRefreshMs = 2_000
const slotsTimeoutMs = 2_000
const clusterPauseMs = 100

/** A client that is not connected yet. */
export function createClient({ url, cluster = false }: RedisPlace, options: RedisOptions): RedisClient {
  const urls = [url].flat()
  const [first = ''] = urls
  if (!cluster) return new Redis(first, options)
  const { lazyConnect, enableOfflineQueue, enableAutoPipelining, scripts, retryStrategy, ...ofNode } = options
  const nodes = urls.map(parseNode)
  const { username, password, isTls } = nodes[0] ?? parseNode(first)
  const isPatient = enableOfflineQueue !== false
  return new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: lazyConnect ?? false,
      enableOfflineQueue: isPatient,
      enableAutoPipelining: enableAutoPipelining ?? false,
      scripts: scripts as ClusterOptions['scripts'],
      clusterRetryStrategy: retryStrategy,
      // A node that is lost is found again by what the others say of the slots; one of ioredis' own retries never ends.
      slotsRefreshInterval: slotsRefreshMs,
      slotsRefreshTimeout: slotsTimeoutMs,
      // What was cut off may have been done: only who waits for ever asks again.
      retryDelayOnFailover: isPatient ? clusterPauseMs : 0,
      redisOptions: {
        ...ofNode,
        ...(username && { username }),
        ...(password && { password }),
        ...(isTls && { tls: {} }),
      },
    },
  )
}

/** Waits for the connection to each node of a cluster: without a queue for while it is away, all but the first command would fail. */
export async function meetNodes(client: RedisClient): Promise<void> {
  if (client instanceof Cluster) await Promise.all(client.nodes('master').map((node) => node.ping()))
}

/** The node that holds this key, for what is asked of a server and not of a key. */
export async function nodeOf(client: RedisClient, key: string): Promise<Redis> {
  if (client instanceof Redis) return client
  const slot = Number(await client.cluster('KEYSLOT', key))
  const place = client.slots[slot]?.[0]
  const node = client.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === place)
  if (node === undefined)
    throw new StoreError('No node of this Redis Cluster holds the record at the moment.')
  return node
}

function parseNode(text: string) {
  const url = new URL(text)
  if (!/^\/?0?$/.test(url.pathname)) {
    throw new StoreError('A Redis Cluster has one database only: name none in its URL, or 0.')
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    isTls: url.protocol === 'rediss:',
  }
}

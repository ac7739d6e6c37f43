import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { openRedisStore, type Store } from '../../broadcaster/dist/store/index.js'
import { freePort, listens, redisServer, type StoreServer } from './store.ts'
import { until } from './until.ts'

interface Node {
  readonly url: string
  readonly client: Redis
  readonly child: ChildProcess
}

export interface RedisCluster extends StoreServer {
  readonly urls: readonly string[]
  /** Kills the node that holds this key, for good. */
  killHolder(key: string): Promise<void>
}

const slots = 16_384

/** Three nodes of a private cluster on free ports, and as many replicas as each is to have, with what production needs. */
export async function startRedisCluster({ replicas = 0 } = {}): Promise<RedisCluster> {
  const program = redisServer
  if (program === undefined) throw new Error('There is no redis-server on the PATH.')
  const folder = await mkdtemp(join(tmpdir(), 'veilcast-cluster-'))
  const nodes: Node[] = []
  const stores: Store[] = []

  async function startNode(): Promise<void> {
    const [port, busPort] = [await freePort(), await freePort()]
    const home = join(folder, String(nodes.length))
    await mkdir(home)
    const settings = {
      port,
      'cluster-port': busPort,
      bind: '127.0.0.1',
      dir: home,
      'cluster-enabled': 'yes',
      'cluster-node-timeout': 1500,
      appendonly: 'yes',
      appendfsync: 'always',
      save: '',
      hz: 100,
    }
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
    const child = spawn(program as string, args, { stdio: 'ignore' })
    await listens(port)
    const url = `redis://127.0.0.1:${port}`
    nodes.push({ url, child, client: new Redis(url, { retryStrategy: () => null }) })
    const client = nodes.at(-1)!.client
    client.on('error', () => {})
    const first = nodes[0]!
    if (client !== first.client)
      await client.call('CLUSTER', 'MEET', '127.0.0.1', String(portOf(first)), await busOf(first))
  }

  const portOf = ({ url }: Node) => Number(new URL(url).port)
  const busOf = async ({ client }: Node) => String((await client.config('GET', 'cluster-port')).at(1))
  const idOf = ({ client }: Node) => client.call('CLUSTER', 'MYID').then(String)

  async function form(): Promise<void> {
    for (let index = 0; index < 3 * (1 + replicas); index++) await startNode()
    const masters = nodes.slice(0, 3)
    for (const [index, { client }] of masters.entries()) {
      const [from, to] = [index, index + 1].map((place) => Math.floor((slots * place) / 3))
      await client.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to! - 1))
    }
    const all = nodes.length
    const knows = async ({ client }: Node) =>
      String(await client.call('CLUSTER', 'NODES')).split('\n').length > all
    for (const node of nodes) await until(() => knows(node))
    for (const [index, { client }] of nodes.slice(3).entries()) {
      await client.call('CLUSTER', 'REPLICATE', await idOf(masters[index % 3]!))
    }
    const isUp = async ({ client }: Node) =>
      /cluster_state:ok/.test(String(await client.call('CLUSTER', 'INFO')))
    for (const node of nodes) await until(() => isUp(node))
    for (const { client } of nodes.slice(3)) {
      await until(async () => /master_link_status:up/.test(await client.info('replication')))
    }
  }

  async function end(node: Node): Promise<void> {
    node.client.disconnect()
    if (node.child.exitCode !== null || node.child.signalCode !== null) return
    const exited = once(node.child, 'exit')
    node.child.kill('SIGKILL')
    await exited
  }

  const stop = async (): Promise<void> => {
    for (const store of stores.reverse()) await store.stop()
    await Promise.all(nodes.map(end))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await form()
  } catch (error) {
    await stop()
    throw error
  }

  const urls = nodes.map(({ url }) => url)
  const open = (): Store => {
    const store = openRedisStore({ url: urls, cluster: true })
    stores.push(store)
    return store
  }
  return {
    urls,
    open,
    openAnother: open,
    async clean() {
      for (const { client } of nodes.slice(0, 3)) await client.flushall()
    },
    async kill() {
      await Promise.all(nodes.map(end))
    },
    async killHolder(key) {
      const slot = Number(await nodes[0]!.client.call('CLUSTER', 'KEYSLOT', key))
      await end(nodes[Math.floor((slot * 3) / slots)]!)
    },
    stop,
  }
}

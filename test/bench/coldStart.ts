import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore } from '@veilcast/broadcaster'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { makeFolder } from '../support/path.ts'
import type { Bench, BenchContext } from './Bench.ts'
import { hasRedis, noRedis, startRedis } from './loadStores.ts'
import { median } from './quantile.ts'
import { nymWasmOf, runBroadcaster } from './runBroadcaster.ts'
import { type Stops, withStops } from './stops.ts'

export const coldStart: Bench = {
  name: 'cold-start',
  title: 'Cold start of the broadcaster',
  question: `From the start of the process \`veilcast-broadcaster run\` to its \`ready\`, which says that the store is open, the
chain's endpoint answers, and a message to itself came back through the mixnet. The floor is a process that starts Node and
the same Nym client alone, up to the same round trip. A first start makes its folder, keys and tables; another one finds
them. In turn, over the local Nym network, with anvil.`,
  async run(context) {
    const measured = await withStops((stops) => measure(context, stops))
    const middle = (name: string): number => median(measured.get(name) ?? [])
    const names = [...measured.keys()]
    const ratioOf = (name: string, floor: string) => ({
      name: `cold start, ${name}`,
      value: middle(name) / middle(floor),
      floor: 'its transport alone',
      better: 'lower' as const,
    })
    return {
      tables: [
        {
          title: '',
          columns: [
            { name: 'what starts' },
            { name: 'starts' },
            { name: 'median', unit: 'ms', digits: 0 },
            { name: 'fastest', unit: 'ms', digits: 0 },
            { name: 'slowest', unit: 'ms', digits: 0 },
          ],
          rows: names.map((name) => {
            const samples = measured.get(name) ?? []
            return [name, samples.length, median(samples), Math.min(...samples), Math.max(...samples)]
          }),
        },
      ],
      ratios: [
        ratioOf(embedded.first, floor.first),
        ...[embedded.again, redis.again, postgres.again]
          .filter((name) => measured.has(name))
          .map((name) => ratioOf(name, floor.again)),
      ],
      charts: [
        {
          kind: 'bar',
          name: 'ready',
          title: 'From the start of the process to ready, median',
          y: { title: 'ms' },
          categories: names,
          series: [{ name: 'start to ready', values: names.map((name) => Math.round(middle(name))) }],
          marks: [{ name: 'floor', value: middle(floor.again) }],
        },
      ],
      notes: [],
      leftOut: hasRedis() ? [] : [noRedis],
    }
  },
}

const floor = { first: 'transport alone, first', again: 'transport alone, again' }
const embedded = { first: 'embedded Postgres, first', again: 'embedded Postgres, again' }
const redis = { first: 'Redis, first', again: 'Redis, again' }
const postgres = { first: 'Postgres, first', again: 'Postgres, again' }

async function measure(context: BenchContext, stops: Stops): Promise<ReadonlyMap<string, readonly number[]>> {
  const { say, signal, quick } = context
  const localnet = await startLocalnet()
  stops.add(localnet.stop)
  const anvil = await startAnvil({ blockTimeMs: 1000, signal })
  stops.add(anvil.stop)
  const measured = new Map<string, number[]>()
  const note = (name: string, ms: number): void => {
    measured.set(name, [...(measured.get(name) ?? []), ms])
    say(`${name}: ${Math.round(ms)} ms`)
  }

  const rounds = quick ? 1 : 5
  for (let round = 0; round < rounds; round++) {
    await withStops(async (own) => {
      const alone = await makeFolder()
      own.add(alone.remove)
      note(floor.first, await startTransport(localnet, alone.path, signal))
      note(floor.again, await startTransport(localnet, alone.path, signal))
      await twice(embedded, { kind: 'embedded' }, own)

      if (hasRedis()) {
        const store = await startRedis()
        own.add(store.stop)
        await twice(redis, store.config, own)
      }
      await twice(postgres, { kind: 'postgres', url: await startPostgres(own) }, own)
    })
  }
  return measured

  /** A first start, and another on what that one left. */
  async function twice(names: typeof floor, store: object, own: Stops): Promise<void> {
    const folder = await makeFolder()
    own.add(folder.remove)
    for (const name of [names.first, names.again]) {
      const running = await runBroadcaster(folder.path, configOf(localnet, anvil, store), signal)
      note(name, running.readyMs)
      await running.stop()
    }
  }
}

function configOf(localnet: Localnet, anvil: Anvil, store: object): object {
  return {
    dataDir: 'data',
    mixnet: nymWasmOf(localnet),
    store,
    http: { port: 0 },
    logLevel: 'warn',
    chains: [{ chain: anvil.chainId, endpoints: [{ id: 'anvil', url: anvil.rpcUrl }] }],
  }
}

async function startTransport(localnet: Localnet, folder: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted()
  const program = fileURLToPath(new URL('./listenOnly.js', import.meta.url))
  const startMs = performance.now()
  const child: ChildProcess = spawn(
    process.execPath,
    [program, localnet.nymApiUrl, localnet.preferredGateway, folder],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], detached: true },
  )
  const exited = once(child, 'exit')
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve())
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      void exited.then(() => reject(new Error('The transport did not start.')))
    })
    return performance.now() - startMs
  } finally {
    child.kill('SIGTERM')
    await exited
  }
}

/** A server of its own, from the binaries of the embedded store. Returns its URL. */
async function startPostgres(own: Stops): Promise<string> {
  const folder = await makeFolder()
  own.add(folder.remove)
  const dataDir = join(folder.path, 'postgres')
  const host = openStore({ kind: 'embedded', dataDir })
  await host.start()
  own.add(host.stop)
  const password = (await readFile(join(dataDir, 'password'), 'utf8')).trim()
  return `postgres://veilcast:${password}@localhost/postgres?host=${encodeURIComponent(join(dataDir, 'run'))}`
}

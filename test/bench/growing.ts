import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { parseAddress } from '@veilcast/shared/mixnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { createNymWasmDialer } from '@veilcast/shared/mixnet/nym-wasm'
import { encodeRequest, newRequestId } from '@veilcast/shared/protocol'
import { type FakeNativeClient, startFakeNativeClient } from '../support/mixnetNativeClient.ts'
import { makeFolder } from '../support/path.ts'
import type { Bench, BenchContext, BenchResult, Cell } from './Bench.ts'
import { type CountedAnvil, startCountedAnvil } from './countedAnvil.ts'
import { hasRedis, noRedis, startRedis } from './loadStores.ts'
import { type Load, watchLoad } from './machineLoad.ts'
import { median } from './quantile.ts'
import { nymWasmOf, type RunningBroadcaster, runBroadcaster } from './runBroadcaster.ts'
import { startSlowEndpoint } from './slowEndpoint.ts'
import { startLocalnetThread } from './startLocalnetThread.ts'
import { type Stops, withStops } from './stops.ts'
import { fundSenders, type Sender, signTransfers } from './transfers.ts'

/** No more of a wallet at once than a Nym client keeps SURBs for. */
const accountsOfWallet = 32
const wallets = 128
const accounts = wallets * accountsOfWallet
const farMs = 1_000
const warmUpMs = 20_000
const windowMs = 40_000
const recoveryAimS = 10
const perSecond = 20

interface Fleet {
  readonly anvil: CountedAnvil
  readonly natives: readonly FakeNativeClient[]
  readonly clients: readonly VeilcastClient[]
  readonly senders: readonly Sender[]
  start(role: 'ingress' | 'worker', native?: FakeNativeClient): Promise<RunningBroadcaster>
}

interface WorkerRow {
  readonly endpoint: string
  readonly workers: number
  readonly includedPerS: number
  readonly load: Load
}

interface ClientRow {
  readonly clients: number
  readonly answersPerS: number
  readonly load: Load
}

interface Recovery {
  readonly what: string
  readonly seconds: readonly number[]
}

export const growing: Bench = {
  name: 'growing',
  title: 'As processes and Nym clients are added',
  question: `Processes of role \`ingress\` and \`worker\` over one Redis that writes each change to disk. First one ingress and ever
more workers: transfers of ${accounts} accounts to \`included\`, one of each account at a time, first with an endpoint that
takes ${farMs} ms for each request, so that no core is what bounds it, then with one that answers at once. Their
messages come from the loopback through the native client's socket protocol. Then, over the local Nym network with cover traffic
and pacing as in production, one broadcaster with ever more Nym clients, asked for \`info\` by wallets without pacing, as many as it answers.
Last, ${perSecond} submissions a second through two of each: from the kill -9 of one of them until everything that had been sent before is
included, at the client's default pauses, and from SIGTERM to the exit of a process. Cores are those of the whole machine, whose ${cpus().length}
also run wallets, network, chain and store.`,

  async run(context) {
    if (!hasRedis()) {
      return { tables: [], ratios: [], charts: [], notes: [], leftOut: [noRedis] }
    }
    const workers: WorkerRow[] = []
    for (const [endpoint, delayMs, counts] of [
      [`${farMs} ms away`, farMs, context.quick ? [1, 2] : [1, 2, 3, 4]],
      ['at once', 0, [1, 2]],
    ] as const) {
      for (const count of counts) workers.push(await measureWorkers(endpoint, delayMs, count, context))
    }
    const clients: ClientRow[] = []
    for (const count of context.quick ? [1, 2] : [1, 2, 3]) clients.push(await measureClients(count, context))
    const recoveries = await withFleet(context, { delayMs: 0 }, (fleet, stops) =>
      measureRecoveries(fleet, stops, context),
    )
    return describe(workers, clients, recoveries)
  },
}

/** Two native clients with wallets behind them; processes are started by whoever measures. */
function withFleet<T>(
  { signal }: BenchContext,
  { delayMs }: { readonly delayMs: number },
  work: (fleet: Fleet, stops: Stops) => Promise<T>,
): Promise<T> {
  return withStops(async (stops) => {
    const folder = await makeFolder()
    stops.add(folder.remove)
    const keyFile = join(folder.path, 'veilcast.key')
    await writeFile(keyFile, randomBytes(32), { mode: 0o600 })
    setMaxListeners(0, signal)
    const store = await startRedis()
    stops.add(store.stop)
    const anvil = await startCountedAnvil({ blockTimeMs: 1_000, signal })
    stops.add(anvil.stop)
    const endpoint = delayMs > 0 ? await startSlowEndpoint(anvil.rpcUrl, delayMs) : undefined
    if (endpoint) stops.add(endpoint.stop)
    const loopback = createLoopback()
    const natives = await Promise.all([startFakeNativeClient(loopback), startFakeNativeClient(loopback)])
    for (const native of natives) stops.add(native.stop)
    const clients: VeilcastClient[] = []
    for (let index = 0; index < wallets; index++) {
      const order = index % 2 === 0 ? natives : [...natives].reverse()
      const client = createClient({
        mixnet: loopback.dialer(),
        broadcasters: order.map(({ address }) => address),
      })
      stops.add(() => client.stop())
      await client.start()
      clients.push(client)
    }
    let count = 0
    return work(
      {
        anvil,
        natives,
        clients,
        senders: await fundSenders(anvil, accounts),
        async start(role, native) {
          const home = join(folder.path, `${role}-${++count}`)
          await mkdir(home)
          const config = {
            role,
            dataDir: 'data',
            keyFile,
            mixnet: { transport: 'nym-socket', url: (native ?? natives[0])?.url },
            store: store.config,
            limits: { maxWaitingPerChain: 2 * accounts },
            chains: [
              {
                chain: anvil.chainId,
                endpoints: [{ id: 'anvil', url: endpoint?.url ?? anvil.rpcUrl }],
                finality: { rule: 'finalized' },
                pollIntervalMs: 250,
              },
            ],
            http: { port: 0 },
            logLevel: 'error',
          }
          const process = await runBroadcaster(home, config, signal)
          stops.add(process.stop)
          return process
        },
      },
      stops,
    )
  })
}

function measureWorkers(
  endpoint: string,
  delayMs: number,
  workers: number,
  context: BenchContext,
): Promise<WorkerRow> {
  return withFleet(context, { delayMs }, async (fleet) => {
    // All wallets use both addresses: the second is a Nym client of the one ingress too.
    const doors = await Promise.all(fleet.natives.map((native) => fleet.start('ingress', native)))
    const started = await Promise.all(Array.from({ length: workers }, () => fleet.start('worker')))
    const flood = startFlood(fleet, context.signal)
    await delay(context.quick ? 10_000 : warmUpMs, undefined, { signal: context.signal })
    const before = flood.included()
    const loaded = await watchLoad([...doors, ...started].map(({ pid }) => pid))
    const startMs = performance.now()
    await delay(context.quick ? 10_000 : windowMs, undefined, { signal: context.signal })
    const includedPerS = ((flood.included() - before) / (performance.now() - startMs)) * 1000
    const load = await loaded()
    await flood.end()
    context.say(
      `${workers} workers, endpoint ${endpoint}: ${includedPerS.toFixed(0)} a second, ${load.busyCores.toFixed(2)} cores busy`,
    )
    return { endpoint, workers, includedPerS, load }
  })
}

interface Flood {
  included(): number
  /** Resolves once what is under way is included; rejects if anything was not. */
  end(): Promise<void>
}

/** One transaction of each account after the other, all accounts at once. */
function startFlood({ senders, clients, anvil }: Fleet, signal: AbortSignal): Flood {
  let included = 0
  let isOver = false
  const flows = Promise.all(
    senders.map(async (sender, index) => {
      const client = clients[index % wallets]
      while (!isOver) {
        signal.throwIfAborted()
        const [signedTx] = signTransfers([sender], 1)
        if (!signedTx) return
        await client?.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: 300_000, signal })
        included++
      }
    }),
  )
  flows.catch(() => {})
  return {
    included: () => included,
    async end() {
      isOver = true
      await flows
    },
  }
}

function measureClients(count: number, context: BenchContext): Promise<ClientRow> {
  const { signal } = context
  return withStops(async (stops) => {
    const folder = await makeFolder()
    stops.add(folder.remove)
    const network = await startLocalnetThread()
    stops.add(network.stop)
    const anvil = await startCountedAnvil({ blockTimeMs: 1_000, signal })
    stops.add(anvil.stop)
    const broadcaster = await runBroadcaster(
      folder.path,
      {
        dataDir: 'data',
        mixnet: Array.from({ length: count }, () => nymWasmOf(network)),
        store: { kind: 'embedded' },
        chains: [
          {
            chain: anvil.chainId,
            endpoints: [{ id: 'anvil', url: anvil.rpcUrl }],
            finality: { rule: 'finalized' },
          },
        ],
        http: { port: 0 },
        logLevel: 'error',
      },
      signal,
    )
    stops.add(broadcaster.stop)
    let answered = 0
    let isOver = false
    stops.add(() => {
      isOver = true
    })
    for (const address of broadcaster.addresses) {
      const dialer = createNymWasmDialer({ ...network, disableCoverTraffic: true, disablePacing: true })
      stops.add(() => dialer.stop())
      await dialer.start()
      const to = parseAddress(address)
      const ask = () =>
        dialer.send(to, encodeRequest({ id: newRequestId(), surbs: 1, body: { kind: 'info' } }), 1)
      /** As many as wait at the other client's pace for a second and more, and never more than its SURBs. */
      const underWay = 100
      void (async () => {
        for await (const _ of dialer.replies()) {
          answered++
          if (!isOver) await ask().catch(() => {})
        }
      })()
      for (let index = 0; index < underWay; index++) await ask()
    }
    await delay(5_000, undefined, { signal })
    const before = answered
    const startMs = performance.now()
    const loaded = await watchLoad([broadcaster.pid])
    await delay(context.quick ? 5_000 : 20_000, undefined, { signal })
    const load = await loaded()
    const answersPerS = ((answered - before) / (performance.now() - startMs)) * 1000
    isOver = true
    context.say(
      `${count} Nym clients: ${answersPerS.toFixed(0)} answers a second, ${load.busyCores.toFixed(2)} cores busy`,
    )
    return { clients: count, answersPerS, load }
  })
}

async function measureRecoveries(
  fleet: Fleet,
  stops: Stops,
  { quick, signal, say }: BenchContext,
): Promise<readonly Recovery[]> {
  const [first, second] = fleet.natives
  if (!first || !second) throw new Error('Two native clients are needed.')
  await fleet.start('ingress', second)
  let door = await fleet.start('ingress', first)
  let worker = await fleet.start('worker')
  let other = await fleet.start('worker')

  /** Of each that is not included yet, when it was sent. */
  const open = new Map<Promise<unknown>, number>()
  let failed = 0
  let next = 0
  const timer = setInterval(() => {
    const index = next++ % fleet.senders.length
    const sender = fleet.senders[index]
    const [signedTx] = sender ? signTransfers([sender], 1) : []
    const client = fleet.clients[index % wallets]
    if (!signedTx || !client) return
    const one: Promise<unknown> = client
      .submit({ chain: fleet.anvil.chainId, signedTx }, { timeoutMs: 300_000, signal })
      .catch(() => failed++)
      .finally(() => open.delete(one))
    open.set(one, performance.now())
  }, 1000 / perSecond)
  stops.add(() => clearInterval(timer))

  /** Seconds until all that had been sent is included. */
  const untilIncluded = async (): Promise<number> => {
    const startMs = performance.now()
    await Promise.all(open.keys())
    signal.throwIfAborted()
    return (performance.now() - startMs) / 1000
  }
  const settle = () => delay(quick ? 3_000 : 10_000, undefined, { signal })
  const usual: number[] = []
  const ofWorker: number[] = []
  const ofDoor: number[] = []
  const drain: number[] = []
  const rounds = quick ? 1 : 5
  await settle()
  for (let round = 0; round < rounds; round++) {
    usual.push(await untilIncluded())

    const killing = worker.kill()
    ofWorker.push(await untilIncluded())
    await killing
    worker = other
    other = await fleet.start('worker')
    await settle()

    const ending = door.kill()
    const included = untilIncluded()
    await ending
    // As a supervisor does, at once.
    door = await fleet.start('ingress', first)
    ofDoor.push(await included)
    await settle()

    const startMs = performance.now()
    await worker.stop()
    drain.push((performance.now() - startMs) / 1000)
    worker = other
    other = await fleet.start('worker')
    await settle()
    say(
      `round ${round + 1}: usual ${usual.at(-1)?.toFixed(1)} s, worker killed ${ofWorker.at(-1)?.toFixed(1)} s, ingress killed ${ofDoor.at(-1)?.toFixed(1)} s, drained in ${drain.at(-1)?.toFixed(1)} s`,
    )
  }
  const ofDoorDrain: number[] = []
  const startMs = performance.now()
  await door.stop()
  ofDoorDrain.push((performance.now() - startMs) / 1000)
  clearInterval(timer)
  // Half of the wallets begin at the one that is gone for good.
  const goneMs = performance.now()
  await Promise.all(open.keys())
  const gone = (performance.now() - goneMs) / 1000
  if (failed > 0) throw new Error(`${failed} submissions failed.`)
  return [
    { what: 'nobody: all that was sent is included', seconds: usual },
    { what: 'kill -9 of one of two workers', seconds: ofWorker },
    { what: 'kill -9 of one of two ingresses, started anew on its Nym client', seconds: ofDoor },
    { what: 'an ingress is stopped for good, and wallets go on to the other', seconds: [gone] },
    { what: 'SIGTERM to the exit of a worker', seconds: drain },
    { what: 'SIGTERM to the exit of an ingress', seconds: ofDoorDrain },
  ]
}

function describe(
  workers: readonly WorkerRow[],
  clients: readonly ClientRow[],
  recoveries: readonly Recovery[],
): BenchResult {
  const far = workers.filter(({ endpoint }) => endpoint !== 'at once')
  const near = workers.filter(({ endpoint }) => endpoint === 'at once')
  const one = far.find((row) => row.workers === 1)
  const two = far.find((row) => row.workers === 2)
  const killed = recoveries.find(({ what }) => what.includes('workers'))
  const doubled = (clients[1]?.answersPerS ?? 0) / (clients[0]?.answersPerS ?? 1)
  return {
    tables: [
      {
        title: 'Workers, with two ingresses',
        columns: [
          { name: 'endpoint' },
          { name: 'workers' },
          { name: 'to `included`', unit: '/s', digits: 0 },
          { name: 'cores busy', digits: 2 },
          { name: 'of it each ingress', digits: 2 },
          { name: 'each worker', digits: 2 },
          { name: 'an ingress holds', unit: 'MiB', digits: 0 },
          { name: 'a worker holds', unit: 'MiB', digits: 0 },
        ],
        rows: workers.map(({ endpoint, workers, includedPerS, load }): Cell[] => [
          endpoint,
          workers,
          includedPerS,
          load.busyCores,
          median(load.cores.slice(0, 2)),
          median(load.cores.slice(2)),
          Math.max(...load.residentMiB.slice(0, 2)),
          Math.max(...load.residentMiB.slice(2)),
        ]),
      },
      {
        title: 'Nym clients in one broadcaster',
        columns: [
          { name: 'Nym clients' },
          { name: 'answers', unit: '/s', digits: 0 },
          { name: 'cores busy', digits: 2 },
          { name: 'of it the broadcaster', digits: 2 },
          { name: 'it holds', unit: 'MiB', digits: 0 },
        ],
        rows: clients.map(({ clients, answersPerS, load }): Cell[] => [
          clients,
          answersPerS,
          load.busyCores,
          load.cores[0] ?? 0,
          load.residentMiB[0] ?? 0,
        ]),
      },
      {
        title: `At ${perSecond} submissions a second, blocks of a second`,
        columns: [
          { name: 'what happens' },
          { name: 'times' },
          { name: 'median', unit: 's', digits: 1 },
          { name: 'longest', unit: 's', digits: 1 },
        ],
        rows: recoveries.map(({ what, seconds }): Cell[] => [
          what,
          seconds.length,
          median(seconds),
          Math.max(...seconds),
        ]),
      },
    ],
    ratios: [
      {
        name: `two workers, endpoint ${farMs} ms away`,
        value: (two?.includedPerS ?? 0) / (one?.includedPerS ?? 1),
        floor: 'one worker',
        aim: 1.7,
        better: 'higher',
      },
      { name: 'two Nym clients', value: doubled, floor: 'one Nym client', aim: 1.7, better: 'higher' },
      {
        name: 'seconds to recover from a killed worker, the longest',
        value: Math.max(...(killed?.seconds ?? [])),
        floor: 'one second',
        aim: recoveryAimS,
        better: 'lower',
      },
    ],
    charts: [
      {
        kind: 'line',
        name: 'workers',
        title: `Transactions a second to included, endpoint ${farMs} ms away`,
        x: { title: 'workers' },
        y: { title: 'per second' },
        series: [
          { name: 'measured', points: far.map(({ workers, includedPerS }) => [workers, includedPerS]) },
          {
            name: 'as many times one worker',
            floor: true,
            points: far.map(({ workers }) => [workers, workers * (one?.includedPerS ?? 0)]),
          },
        ],
      },
      {
        kind: 'line',
        name: 'nym-clients',
        title: 'Answers a second by Nym clients of one broadcaster',
        x: { title: 'Nym clients' },
        y: { title: 'per second' },
        series: [
          { name: 'measured', points: clients.map(({ clients, answersPerS }) => [clients, answersPerS]) },
          {
            name: 'as many times one client',
            floor: true,
            points: clients.map((row) => [row.clients, row.clients * (clients[0]?.answersPerS ?? 0)]),
          },
        ],
      },
    ],
    notes: [
      `One transaction of each of ${accounts} accounts is under way at any time: ${secondsEach(one)} s from one to the next with one worker, ${secondsEach(two)} s with two, ${secondsEach(far.at(-1))} s with ${far.at(-1)?.workers}.`,
      `What ends it with the endpoint that answers at once is the processor: ${near.map(({ workers, load }) => `with ${workers} ${workers === 1 ? 'worker' : 'workers'} ${load.busyCores.toFixed(2)}`).join(', ')} of ${cpus().length} cores are busy.`,
    ],
    leftOut: [],
  }
}

function secondsEach(row: WorkerRow | undefined): string {
  return (accounts / (row?.includedPerS ?? Number.NaN)).toFixed(1)
}

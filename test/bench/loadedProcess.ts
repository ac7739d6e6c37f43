import { randomBytes } from 'node:crypto'
import { Session } from 'node:inspector/promises'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Broadcaster,
  chainFamilies,
  createBroadcaster,
  createLogger,
  createVault,
  openStore,
  type Store,
} from '@veilcast/broadcaster'
import type { Anvil } from '@veilcast/devnet'
import { createLoopback, type Loopback, type LoopbackDialer } from '@veilcast/shared/mixnet/loopback'
import { type ChainId, decodeReply, encodeRequest, toRequestId } from '@veilcast/shared/protocol'
import type { Answers, Command, Cost } from './LoadedBroadcaster.ts'

// A broadcaster in a process of its own, with what feeds it: messages that were made before the clock starts go in over
// the loopback transport, and of replies only what is needed is read.

interface Waiting {
  readonly sentAtMs: number
  acceptedMs: number | undefined
}

/** One for `accepted`, one for `included`. */
const surbsPerSubmit = 2
/** A transport keeps 200 SURBs of a sender: what waits on one of ours needs fewer. */
const transactionsPerDialer = 80
const maxInclusionMs = 300_000

let broadcaster: Broadcaster | undefined
let store: Store | undefined
let mixnet: Loopback | undefined
const dialers: LoopbackDialer[] = []
let chain: ChainId | undefined
let inspector: Session | undefined
let messages: Uint8Array[] = []

const waiting = new Map<string, Waiting>()
let accepted: number[] = []
let included: number[] = []
let failed = 0
let lastIncludedAtMs = 0
let heard = (): void => {}

const handlers: {
  [kind in Command['kind']]: (command: Extract<Command, { kind: kind }>) => Promise<Answers[kind]>
} = {
  async open(command) {
    const opened = openStore(command.store)
    store = opened
    const network = createLoopback()
    mixnet = network
    const family = chainFamilies.eip155
    if (!family) throw new Error('EVM chains are not registered.')
    const setup = {
      chain: command.chain,
      endpoints: [{ id: 'anvil', url: command.rpcUrl }],
      pollIntervalMs: command.pollIntervalMs,
    }
    const config = family.config.parse(setup) as { pollIntervalMs: number }
    broadcaster = createBroadcaster({
      listeners: [network.listener('broadcaster')],
      store: opened,
      chains: [{ adapter: family.create(config), pollIntervalMs: config.pollIntervalMs }],
      vault: createVault(randomBytes(32)),
      limits: { maxWaitingPerChain: 1_000_000, maxWaitingPerAccount: 1_000_000, maxUnsentPerChain: 100_000 },
      retentionSeconds: 3600,
      rebroadcastAfterMs: 3_600_000,
      http: { host: '127.0.0.1', port: 0 },
      logger: createLogger('error'),
    })
    await broadcaster.start()
    chain = command.chain as Anvil['chainId'] as ChainId
  },

  async load({ transactions }) {
    const notAfter = Math.floor(Date.now() / 1000) + 3600
    if (!chain) throw new Error('Not open.')
    for (const signedTx of transactions) {
      const body = {
        kind: 'submit',
        until: 'included',
        everyStage: false,
        notAfter,
        chain,
        signedTx,
      } as const
      messages.push(encodeRequest({ id: toRequestId(randomBytes(16)), surbs: surbsPerSubmit, body }))
    }
  },

  async submit({ maxUnanswered }) {
    if (!broadcaster) throw new Error('Not open.')
    const sending = messages
    messages = []
    accepted = []
    included = []
    failed = 0
    const [to] = broadcaster.addresses()
    if (to === undefined) throw new Error('Nobody listens.')
    const startMs = performance.now()
    let sent = 0
    for (const message of sending) {
      while (sent - accepted.length - failed >= maxUnanswered) await aReply()
      waiting.set(idOf(message), { sentAtMs: performance.now(), acceptedMs: undefined })
      const dialer = await dialerFor(sent++)
      await dialer.send(to, message, surbsPerSubmit)
    }
    while (accepted.length + failed < sending.length) await aReply()
    return { tookMs: performance.now() - startMs, startedAtMs: startMs, acceptedMs: accepted, failed }
  },

  async included() {
    const end = AbortSignal.timeout(maxInclusionMs)
    while (waiting.size > 0) {
      end.throwIfAborted()
      await Promise.race([aReply(), delay(1000)])
    }
    return { lastAtMs: lastIncludedAtMs, includedMs: included, failed }
  },

  async noopJobs({ count, concurrency, maxAddsAtOnce }) {
    if (!store) throw new Error('Not open.')
    const name = `floor-${randomBytes(4).toString('hex')}`
    const queue = store.queues.queue(name)
    let done = 0
    let finish = (): void => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const worker = store.queues.worker(name, async () => {}, { concurrency })
    worker.on('completed', () => {
      if (++done === count) finish()
    })
    void worker.run()
    await worker.waitUntilReady()
    const startMs = performance.now()
    const options = { removeOnComplete: true, removeOnFail: true }
    let next = 0
    const add = async (): Promise<void> => {
      while (next < count)
        await queue.add('noop', { key: 'k'.repeat(26) }, { ...options, jobId: `j${next++}` })
    }
    await Promise.all(Array.from({ length: maxAddsAtOnce }, add))
    await finished
    const tookMs = performance.now() - startMs
    await worker.close()
    return { tookMs }
  },

  async recoveries({ transactions }) {
    const family = chainFamilies.eip155
    const adapter = family?.create(
      family.config.parse({ chain, endpoints: [{ id: 'none', url: 'http://127.0.0.1:9' }] }),
    )
    if (!adapter) throw new Error('EVM chains are not registered.')
    const startMs = performance.now()
    for (const signedTx of transactions) adapter.inspect(signedTx)
    return { tookMs: performance.now() - startMs }
  },

  async memory() {
    // Twice, since finalizers of the first round free what the second collects.
    for (let round = 0; round < 2; round++) {
      globalThis.gc?.()
      await delay(100)
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rssBytes: rss, heapUsedBytes: heapUsed, externalBytes: external }
  },

  async dashboard() {
    if (!broadcaster) throw new Error('Not open.')
    return { url: broadcaster.httpUrl() }
  },

  async cpu() {
    const { user, system } = process.cpuUsage()
    return { cpuMs: (user + system) / 1000 }
  },

  async startProfile() {
    inspector = new Session()
    inspector.connect()
    await inspector.post('Profiler.enable')
    await inspector.post('Profiler.setSamplingInterval', { interval: 500 })
    await inspector.post('Profiler.start')
  },

  async stopProfile() {
    if (!inspector) throw new Error('No profile is under way.')
    const { profile } = await inspector.post('Profiler.stop')
    inspector.disconnect()
    return costsIn(profile)
  },

  async stop() {
    for (const dialer of dialers) await dialer.stop()
    await broadcaster?.stop()
  },
}

async function dialerFor(place: number): Promise<LoopbackDialer> {
  const index = Math.floor(place / transactionsPerDialer)
  const known = dialers[index]
  if (known) return known
  if (!mixnet) throw new Error('Not open.')
  const made = mixnet.dialer()
  await made.start()
  dialers.push(made)
  void readReplies(made)
  return made
}

async function readReplies(from: LoopbackDialer): Promise<void> {
  for await (const bytes of from.replies()) {
    const { id, body } = decodeReply(bytes)
    const key = Buffer.from(id).toString('hex')
    const one = waiting.get(key)
    if (!one) continue
    const tookMs = performance.now() - one.sentAtMs
    if (one.acceptedMs === undefined && body.kind === 'state') {
      one.acceptedMs = tookMs
      accepted.push(tookMs)
    }
    const stage = body.kind === 'state' ? body.state.stage : 'failure'
    if (stage === 'included' || stage === 'final') {
      included.push(tookMs)
      lastIncludedAtMs = performance.now()
      waiting.delete(key)
    } else if (stage !== 'accepted' && stage !== 'submitted') {
      failed++
      waiting.delete(key)
    }
    heard()
  }
}

function aReply(): Promise<void> {
  return new Promise((resolve) => {
    heard = resolve
  })
}

/** version 1 | request id 16 | … */
function idOf(message: Uint8Array): string {
  return Buffer.from(message.subarray(1, 17)).toString('hex')
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples?: readonly number[] | undefined
  readonly timeDeltas?: readonly number[] | undefined
}

/** Time in each function itself, largest first, as a share of the time that was not idle. */
function costsIn(profile: Profile): Cost[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  const selfUs = new Map<string, number>()
  let busyUs = 0
  profile.samples?.forEach((sample, index) => {
    const tookUs = profile.timeDeltas?.[index] ?? 0
    const name = names.get(sample)
    if (name === undefined || name.name === '(idle)') return
    busyUs += tookUs
    const key = `${name.part}\0${name.name}`
    selfUs.set(key, (selfUs.get(key) ?? 0) + tookUs)
  })
  return [...selfUs]
    .sort(([, a], [, b]) => b - a)
    .map(([key, us]) => {
      const [part = '', name = ''] = key.split('\0')
      return { part, name, share: us / busyUs, selfMs: us / 1000 }
    })
}

/** A package, a file of ours, or Node itself. */
function placeOf({ functionName, url }: { functionName: string; url: string }): {
  part: string
  name: string
} {
  const name = functionName || '(anonymous)'
  const inPackages = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (inPackages) return { part: inPackages, name }
  const ours = /\/(broadcaster|shared)\/dist\/(.+)\.js$/.exec(url)
  if (ours) return { part: `${ours[1]}/${ours[2]}`, name }
  return { part: url.startsWith('node:') ? url : url === '' ? 'V8 and native code' : 'this bench', name }
}

process.on('message', ({ id, command }: { id: number; command: Command }) => {
  const handler = handlers[command.kind] as (command: Command) => Promise<unknown>
  handler(command).then(
    (answer) => tell({ id, answer }),
    (error: unknown) => tell({ id, error: error instanceof Error ? error.stack : String(error) }),
  )
})
function tell(answer: object): void {
  if (process.connected) process.send?.(answer)
}

// Whoever started this was killed, or is being: Postgres would be left behind.
function end(): void {
  void handlers.stop({ kind: 'stop' }).finally(() => process.exit(1))
}
process.once('disconnect', end)
process.once('SIGTERM', end)
// Ctrl-C reaches this process too; whoever started it stops it in order.
process.on('SIGINT', () => {})

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { chainFamilies, createBroadcaster, createLogger, createVault, openStore } from '@veilcast/broadcaster'
import { createNymSocketListener } from '@veilcast/shared/mixnet/nym-socket'

// A broadcaster that ends itself with SIGKILL before or after the n-th call of a named operation, or its store, or says each
// that it comes by. Its setup is JSON on the command line (CrashSetup in crash.ts).

const setup = JSON.parse(process.argv[2])
const counts = new Map()
let armed = setup.armed

function say(line) {
  // Not through a stream: what is said before the end must be out.
  writeSync(1, `${line}\n`)
}

async function pass(name, work) {
  if (name === 'admit') armed = true
  if (!armed && !/^(start|life):/.test(name)) return work()
  const nth = (counts.get(name) ?? 0) + 1
  counts.set(name, nth)
  if (setup.tell) say(`point ${name}#${nth}`)
  const hit = setup.kill?.name === name && setup.kill.nth === nth ? setup.kill.when : undefined
  if (hit === 'before') die(name, nth)
  if (hit === 'during') {
    const working = work()
    working.catch(() => {})
    await delay(setup.kill.afterMs ?? 1)
    die(name, nth)
    return working
  }
  const result = await work()
  if (hit === 'after') die(name, nth)
  return result
}

function die(name, nth) {
  if (setup.kill.onceFile !== undefined) {
    try {
      closeSync(openSync(setup.kill.onceFile, 'wx'))
    } catch {
      return
    }
  }
  say(`killed at ${name}#${nth}`)
  if (setup.kill.victim === 'store') {
    const pid = setup.storePid ?? Number.parseInt(readFileSync(setup.storePidFile, 'utf8'), 10)
    process.kill(pid, 'SIGKILL')
    return
  }
  process.kill(process.pid, 'SIGKILL')
  // Until the signal is there nothing else may run.
  for (;;);
}

/** Each named method is a point; the name may depend on the arguments. */
function wrap(target, names) {
  return new Proxy(target, {
    get(object, property) {
      const value = Reflect.get(object, property, object)
      if (typeof value !== 'function') return value
      const name = names[property]
      if (name === undefined) return value.bind(object)
      return (...args) =>
        pass(typeof name === 'function' ? name(...args) : name, () => value.apply(object, args))
    },
  })
}

const store = openStore(setup.store)
const records = wrap(store.records, {
  incarnation: 'life:incarnation',
  acknowledgeIncarnation: 'life:acknowledge',
  watch: 'start:watch',
  admit: 'admit',
  update: (_key, _number, patch) => `update:${patch.state ?? 'detail'}`,
  lease: (name) => `lease:${name.split('-')[0]}`,
  unlease: (name) => `unlease:${name.split('-')[0]}`,
  match: 'match',
  settledUpTo: 'settledUpTo',
  saveCursor: 'saveCursor',
  sweep: 'sweep',
})
const queues = new Proxy(store.queues, {
  get(object, property) {
    if (property === 'queue') {
      return (name) =>
        wrap(object.queue(name), {
          add: (job) => `add:${job}`,
          addBulk: ([job]) => `add:${job.name}`,
          upsertJobScheduler: 'start:scheduler',
        })
    }
    if (property === 'worker') {
      return (name, processor, options) =>
        object.worker(
          name,
          // BullMQ gives a signal to whoever has three parameters.
          (job, token, signal) => pass(`job:${name.split('-')[0]}`, () => processor(job, token, signal)),
          options,
        )
    }
    const value = Reflect.get(object, property, object)
    return typeof value === 'function' ? value.bind(object) : value
  },
})

const family = chainFamilies[setup.chain.chain.split(':')[0]]
const chain = family.config.parse(setup.chain)
const adapter = wrap(family.create(chain), {
  preflight: 'preflight',
  submit: 'submit',
  find: 'find',
  readBlock: 'readBlock',
})
const listener = wrap(
  createNymSocketListener({ url: setup.socketUrl, minBackoffMs: 50, maxBackoffMs: 200 }),
  {
    start: 'start:mixnet',
    reply: 'reply',
  },
)

const broadcaster = createBroadcaster({
  listeners: [listener],
  store: {
    kind: store.kind,
    records,
    queues,
    fleet: store.fleet,
    upkeep: store.upkeep,
    start: (options) => pass('start:store', () => store.start(options)),
    stop: () => store.stop(),
    markRestored: () => store.markRestored(),
  },
  chains: [{ adapter, pollIntervalMs: chain.pollIntervalMs }],
  vault: createVault(Buffer.from(setup.secret, 'hex')),
  limits: { maxWaitingPerChain: 4096, maxWaitingPerAccount: 32, maxUnsentPerChain: 100_000 },
  retentionSeconds: 3600,
  rebroadcastAfterMs: setup.rebroadcastAfterMs ?? 5000,
  http: { host: '127.0.0.1', port: 0 },
  logger: createLogger(setup.logLevel ?? 'silent'),
})

process.on('SIGTERM', () => void broadcaster.stop().then(() => process.exit(0)))
process.on('unhandledRejection', (error) => {
  say(`unhandled ${error?.stack ?? error}`)
  process.exit(70)
})
await broadcaster.start({
  onFailure(error) {
    say(`failed ${error.message}`)
    process.exit(71)
  },
})
say(`ready ${broadcaster.httpUrl()}`)

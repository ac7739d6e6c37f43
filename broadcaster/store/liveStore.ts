import type { Fleet } from '../fleet/Fleet.ts'
import type { QueueBackend } from './QueueBackend.ts'
import type { Store, StoreStart } from './Store.ts'
import { closedBecause, type StoreUpkeep } from './StoreUpkeep.ts'
import type { StoreUse } from './StoreUse.ts'
import { StoreError, type TxStore } from './TxStore.ts'

/** A store between its start and its stop. */
export interface LifeOfStore {
  readonly records: Omit<TxStore, 'start' | 'stop'>
  readonly queues: Omit<QueueBackend, 'start' | 'stop'>
  readonly fleet: Fleet
  readonly upkeep: StoreUpkeep
  markRestored(): Promise<void>
  stop(): Promise<void>
}

/**
 * A Store over whatever `open` brings up. Starting twice is one start; stopping is idempotent, ends a start under way, and
 * a stopped store starts anew. Both rooms start and stop with the store: their own start() and stop() do the same.
 */
export function liveStore(
  kind: Store['kind'],
  open: (signal: AbortSignal, onFailure: (error: StoreError) => void, use: StoreUse) => Promise<LifeOfStore>,
): Store {
  let life: LifeOfStore | undefined
  let starting: Promise<void> | undefined
  let stopping: Promise<void> | undefined
  /** What an aborted start brought up after all, going down again. */
  let windingDown: Promise<void> = Promise.resolve()
  let abort = new AbortController()

  function living(): LifeOfStore {
    if (life === undefined) throw new StoreError('The store is not started.')
    return life
  }

  async function start({ signal, onFailure = () => {}, use = 'shared' }: StoreStart = {}): Promise<void> {
    signal?.throwIfAborted()
    starting ??= begin(onFailure, use)
    const giveUp = (): void => abort.abort(signal?.reason)
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      await starting
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  async function begin(onFailure: (error: StoreError) => void, use: StoreUse): Promise<void> {
    abort = new AbortController()
    const { signal } = abort
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    const opening = Promise.allSettled([stopping, windingDown]).then(() => {
      signal.throwIfAborted()
      return openToUse(signal, once(onFailure), use)
    })
    try {
      life = await Promise.race([opening, aborted])
    } catch (error) {
      windingDown = opening.then((opened) => opened.stop()).catch(() => {})
      if (abort.signal === signal) starting = undefined
      throw error
    }
  }

  async function openToUse(
    signal: AbortSignal,
    onFailure: (error: StoreError) => void,
    use: StoreUse,
  ): Promise<LifeOfStore> {
    const opened = await open(signal, onFailure, use)
    try {
      const closed = use === 'shared' ? await opened.upkeep.closed() : null
      if (closed !== null) throw new StoreError(closedBecause[closed])
      return opened
    } catch (error) {
      await opened.stop()
      throw error
    }
  }

  function stop(): Promise<void> {
    if (life === undefined) abort.abort(new StoreError('The store was stopped while it started.'))
    stopping ??= end().finally(() => {
      stopping = undefined
    })
    return stopping
  }

  async function end(): Promise<void> {
    const started = starting
    starting = undefined
    await started?.catch(() => {})
    await windingDown
    const ended = life
    life = undefined
    await ended?.stop()
  }

  const records: TxStore = {
    get durability() {
      return life?.records.durability ?? 'memory'
    },
    start,
    stop,
    ping: async () => living().records.ping(),
    incarnation: async () => living().records.incarnation(),
    knownIncarnation: async () => living().records.knownIncarnation(),
    acknowledgeIncarnation: async (incarnation) => living().records.acknowledgeIncarnation(incarnation),
    admit: async (draft) => living().records.admit(draft),
    get: async (key) => living().records.get(key),
    byRequest: async (mac) => living().records.byRequest(mac),
    lane: async (chain, laneMac, limit) => living().records.lane(chain, laneMac, limit),
    update: async (key, expected, patch, nowMs) => living().records.update(key, expected, patch, nowMs),
    match: async (chain, txIdMacs, slots) => living().records.match(chain, txIdMacs, slots),
    listLive: async (chain, options) => living().records.listLive(chain, options),
    settledUpTo: async (chain, height, limit) => living().records.settledUpTo(chain, height, limit),
    inBlock: async (chain, block) => living().records.inBlock(chain, block),
    countLive: async (chain) => living().records.countLive(chain),
    countWaiting: async (chain) => living().records.countWaiting(chain),
    countLane: async (chain, laneMac) => living().records.countLane(chain, laneMac),
    countUnsent: async (chain, limit) => living().records.countUnsent(chain, limit),
    cursor: async (chain) => living().records.cursor(chain),
    saveCursor: async (chain, trail, version, nowMs) =>
      living().records.saveCursor(chain, trail, version, nowMs),
    lease: async (name, owner, ttlMs) => living().records.lease(name, owner, ttlMs),
    unlease: async (name, owner) => living().records.unlease(name, owner),
    sweep: async (nowMs, limit) => living().records.sweep(nowMs, limit),
    watch: async (onChange) => living().records.watch(onChange),
  }
  const queues: QueueBackend = {
    queue: (name) => living().queues.queue(name),
    worker: (name, processor, options) => living().queues.worker(name, processor, options),
    forgetEvents: async (beforeMs) => living().queues.forgetEvents(beforeMs),
    working: () => life?.queues.working() ?? false,
    start,
    stop,
  }
  const fleet: Fleet = {
    publish: async (report, ttlMs) => living().fleet.publish(report, ttlMs),
    processes: async () => living().fleet.processes(),
    remove: async (id) => living().fleet.remove(id),
    append: async (span, sample) => living().fleet.append(span, sample),
    samples: async (span, sinceMs) => living().fleet.samples(span, sinceMs),
    audit: async (entry) => living().fleet.audit(entry),
    audits: async (limit) => living().fleet.audits(limit),
  }
  const upkeep: StoreUpkeep = {
    async *records() {
      yield* living().upkeep.records()
    },
    cursors: async () => living().upkeep.cursors(),
    count: async () => living().upkeep.count(),
    put: async (list) => living().upkeep.put(list),
    empty: async () => living().upkeep.empty(),
    closed: async () => living().upkeep.closed(),
    close: async (why) => living().upkeep.close(why),
    sealedBy: async () => living().upkeep.sealedBy(),
    sealFor: async (fingerprint) => living().upkeep.sealFor(fingerprint),
  }
  async function markRestored(): Promise<void> {
    const closed = await upkeep.closed()
    if (closed !== null && closed !== 'moved') throw new StoreError(closedBecause[closed])
    await living().markRestored()
    await upkeep.close(null)
  }
  return { kind, records, queues, fleet, upkeep, start, stop, markRestored }
}

/** Several may find that the store is lost. */
function once(onFailure: (error: StoreError) => void): (error: StoreError) => void {
  let called = false
  return (error) => {
    if (called) return
    called = true
    onFailure(error)
  }
}

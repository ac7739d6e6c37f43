import type { ChainAdapter, OnAnswer } from './ChainAdapter.ts'

/** A request that was under way when its endpoint was taken away has ended by then: `requestTimeoutMs` is a minute at most. */
const graceMs = 60_000

export interface Swappable {
  readonly adapter: ChainAdapter
  /** Asks other endpoints of the same chain from now on, once each was asked for the first time. What is under way ends where it began. */
  swap(next: ChainAdapter): Promise<void>
}

/** An adapter whose endpoints may be others while everything that has it goes on. */
export function createSwappable(first: ChainAdapter): Swappable {
  let current = first
  const hearers: OnAnswer[] = []
  const leaving = new Map<ChainAdapter, NodeJS.Timeout>()

  async function leave(adapter: ChainAdapter): Promise<void> {
    clearTimeout(leaving.get(adapter))
    leaving.delete(adapter)
    await adapter.stop()
  }

  const adapter: ChainAdapter = {
    chain: first.chain,
    family: first.family,
    finality: first.finality,
    maxTransactionBytes: first.maxTransactionBytes,
    get maxBlockBytes() {
      return current.maxBlockBytes
    },
    get operators() {
      return current.operators
    },
    start: () => current.start(),
    async stop() {
      await Promise.all([current.stop(), ...[...leaving.keys()].map(leave)])
    },
    live: () => current.live(),
    inspect: (signedTx) => current.inspect(signedTx),
    preflight: (tx, options) => current.preflight(tx, options),
    pickEndpoints: (options) => current.pickEndpoints(options),
    async submit(endpoint, tx, options) {
      // Picked before the swap, and not there any more.
      if (!current.endpoints().some(({ id }) => id === endpoint)) return { kind: 'unavailable' }
      return current.submit(endpoint, tx, options)
    },
    head: (options) => current.head(options),
    readBlock: (height, options) => current.readBlock(height, options),
    witness: (block, txIds, options) => current.witness(block, txIds, options),
    isFinalElsewhere: (than, block, options) => current.isFinalElsewhere(than, block, options),
    blockHash: (height, options) => current.blockHash(height, options),
    find: (txId, options) => current.find(txId, options),
    slotUse: (tx, height, options) => current.slotUse(tx, height, options),
    findReplacing: (tx, height, options) => current.findReplacing(tx, height, options),
    nextSequence: (account, options) => current.nextSequence(account, options),
    revertData: (tx, inclusion, options) => current.revertData(tx, inclusion, options),
    query: (reads, options) => current.query(reads, options),
    endpoints: () => current.endpoints(),
    onAnswer(listener) {
      hearers.push(listener)
      current.onAnswer(listener)
    },
  }

  return {
    adapter,
    async swap(next) {
      for (const hear of hearers) next.onAnswer(hear)
      await next.start()
      const before = current
      current = next
      leaving.set(before, setTimeout(() => void leave(before).catch(() => {}), graceMs).unref())
    },
  }
}

import { type ChainId, toTxId } from '@veilcast/shared/protocol'
import type { Job, Worker } from 'bullmq'
import {
  type BlockTx,
  type ChainAdapter,
  type ChainBlock,
  ChainUnavailable,
  type Head,
} from '../chains/ChainAdapter.ts'
import { type Logger, shortId } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { QueueBackend } from '../store/QueueBackend.ts'
import {
  type BlockRef,
  type ChainCursor,
  type Mac,
  maxTrailBlocks,
  StoreError,
  type TxRecord,
  type TxStore,
} from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import type { Settle } from './settle.ts'
import type { SubmitJobs } from './submitJobs.ts'
import { tellOfFailures } from './tellOfFailures.ts'

/** Job ids and queue names hold no `:`. */
export function confirmQueue(chain: ChainId): string {
  return `confirm-${chain.replace(':', '-')}`
}

interface ConfirmJob {
  readonly height: string
  readonly head: { readonly height: string; readonly finalHeight: string }
}

/** More blocks than this are not read one by one: a receipt look-up per waiting transaction instead. */
export const maxGapBlocks = 256
const pageSize = 256
const maxPollBackoffMs = 30_000

export interface ConfirmStage {
  /** Follows the chain once it was `probed`. Resolves after the first look at its head, also where that failed. */
  start(probed: Promise<void> | undefined): Promise<void>
  stop(): Promise<void>
}

/**
 * Matches the blocks of one chain against the record: a job per block, in order, contiguous by parent. No job and no
 * RPC call per waiting transaction. A durable cursor says how far it came; a parent that does not fit is a reorganisation
 * and takes the cursor back block by block.
 */
export function createConfirmStage(parts: {
  readonly adapter: ChainAdapter
  readonly records: TxStore
  readonly queues: QueueBackend
  readonly submitJobs: SubmitJobs
  readonly vault: Vault
  readonly settle: Settle
  readonly pollIntervalMs: number
  readonly metrics: Metrics
  readonly logger: Logger
}): ConfirmStage {
  const { adapter, records, queues, submitJobs, vault, settle, pollIntervalMs, metrics, logger } = parts
  const { chain } = adapter
  const queue = queues.queue(confirmQueue(chain))
  const worker: Worker = queues.worker(confirmQueue(chain), (job) => run(job), { concurrency: 1 })
  tellOfFailures(worker, parts)
  const stopping = new AbortController()
  const me = `${process.pid}-${Math.random().toString(36).slice(2)}`
  const waiting = { signal: stopping.signal }
  let timer: NodeJS.Timeout | undefined
  let following: Promise<void> = Promise.resolve()
  let troubles = 0

  /** One process per chain asks for the head, as long as it holds the lease. */
  async function follow(): Promise<void> {
    if (!(await records.lease(`head-${chain}`, me, Math.max(5_000, pollIntervalMs * 3)))) return
    // The head first, the count second: whatever is exposed after the head was read is in a later block.
    const head = await adapter.head(waiting)
    const live = await records.countLive(chain)
    metrics.liveTransactions.set({ chain }, live)
    const cursor = await records.cursor(chain)
    const tip = cursor?.trail.at(-1)
    if (live === 0 || cursor === null || tip === undefined) {
      await jumpTo(head, cursor)
      if (live > 0) await lookUpAll()
      return
    }
    if (head.height > tip.height + BigInt(maxGapBlocks)) {
      await lookUpAll()
      await jumpTo(head, cursor)
      return
    }
    if (head.height > tip.height) await addBlock(tip.height + 1n, tip, head)
    else await settleFinal(head.finalHeight, cursor.trail)
  }

  async function addBlock(height: bigint, after: BlockRef, head: Head | ConfirmJob['head']): Promise<void> {
    const data: ConfirmJob = {
      height: String(height),
      head: { height: String(head.height), finalHeight: String(head.finalHeight) },
    }
    await queue.add('block', data, {
      jobId: `${chain.replace(':', '-')}-${height}-${after.hash.slice(0, 8)}`,
      removeOnComplete: true,
      removeOnFail: true,
    })
  }

  async function run(job: Job<ConfirmJob>): Promise<void> {
    try {
      await matchBlock(BigInt(job.data.height), job.data.head)
    } catch (error) {
      // The poll adds the block again; a thrown error would be stored and shown by BullMQ as it is.
      if (!(error instanceof ChainUnavailable) && !stopping.signal.aborted) {
        logger.warn({ err: error, chain }, 'a block will be matched again')
      }
    }
  }

  async function matchBlock(height: bigint, head: ConfirmJob['head']): Promise<void> {
    const cursor = await records.cursor(chain)
    const tip = cursor?.trail.at(-1)
    if (!cursor || tip === undefined || tip.height + 1n !== height) return
    const block = await adapter.readBlock(height, waiting)
    if (block === null) return
    if (block.parentHash !== tip.hash) {
      await rewind(cursor, tip, head)
      return
    }
    await match(block)
    const ref: BlockRef = { height, hash: block.hash }
    const trail = [...cursor.trail, ref].slice(-maxTrailBlocks)
    if (!(await records.saveCursor(chain, trail, cursor.version, Date.now()))) return
    metrics.blockHeight.set({ chain }, Number(height))
    await settleFinal(BigInt(head.finalHeight), trail)
    if (BigInt(head.height) > height) await addBlock(height + 1n, ref, head)
  }

  async function match(block: ChainBlock): Promise<void> {
    if (block.transactions.length === 0) return
    const byTxId = new Map<Mac, BlockTx>()
    const bySlot = new Map<string, BlockTx>()
    const slots: { laneMac: Mac; sequence: bigint }[] = []
    for (const tx of block.transactions) {
      byTxId.set(vault.txIdMac(chain, tx.txId), tx)
      if (tx.account === undefined || tx.sequence === undefined) continue
      const laneMac = vault.laneMac(chain, tx.account)
      const sequence = vault.hideSequence(laneMac, tx.sequence)
      slots.push({ laneMac, sequence })
      bySlot.set(`${laneMac}/${sequence}`, tx)
    }
    const ref: BlockRef = { height: block.height, hash: block.hash }
    await forEach(await records.match(chain, [...byTxId.keys()], slots), async (record) => {
      const same = byTxId.get(record.txIdMac)
      const other = bySlot.get(`${record.laneMac}/${record.sequence}`)
      if (same) await included(record, same, ref)
      else if (other && record.state !== 'lapsed') await settle.overtaken(record, other.txId, ref)
    })
  }

  async function included(record: TxRecord, tx: BlockTx, ref: BlockRef): Promise<void> {
    let current: TxRecord | null = record
    // Another change of the same record can only be the submit stage's: read it again and say it all the same.
    for (let attempt = 0; attempt < 5 && current !== null; attempt++) {
      if (await settle.included(current, tx.inclusion, ref)) return
      current = await records.get(record.key)
    }
    if (current !== null) throw new Error('A record changes faster than its inclusion can be written.')
  }

  async function rewind(cursor: ChainCursor, tip: BlockRef, head: ConfirmJob['head']): Promise<void> {
    logger.warn({ chain, height: String(tip.height) }, 'reorganisation: a block was replaced')
    await forEach(await records.inBlock(chain, tip), putBack)
    const trail = cursor.trail.slice(0, -1)
    const before = trail.at(-1)
    if (before === undefined) {
      // Deeper than the trail: start from a look-up of all that waits.
      await lookUpAll()
      await jumpTo(await adapter.head(waiting), cursor)
      return
    }
    if (!(await records.saveCursor(chain, trail, cursor.version, Date.now()))) return
    await addBlock(before.height + 1n, before, head)
  }

  /** Ends what is deep enough, after a look whether its block still is the chain's. */
  async function settleFinal(finalHeight: bigint, trail: readonly BlockRef[]): Promise<void> {
    const tipHeight = trail.at(-1)?.height ?? 0n
    const height = finalHeight < tipHeight ? finalHeight : tipHeight
    const hashes = new Map(trail.map((block) => [block.height, block.hash]))
    for (;;) {
      const settled = await records.settledUpTo(chain, height, pageSize)
      let ended = 0
      await forEach(settled, async (record) => {
        if (record.blockHeight === null) return
        // It was found by a look-up, in a block that the trail never held or holds no more.
        if (!hashes.has(record.blockHeight)) {
          const block = await adapter.readBlock(record.blockHeight, waiting)
          if (block === null) return
          hashes.set(record.blockHeight, block.hash)
        }
        if (hashes.get(record.blockHeight) !== record.blockHash) await putBack(record)
        else if (await settle.final(record)) ended++
      })
      if (settled.length < pageSize || ended === 0) return
    }
  }

  async function putBack(record: TxRecord): Promise<void> {
    const back = await settle.reorged(record)
    if (back) await submitJobs.add(back, { again: true })
  }

  /** One record that cannot be worked on, as under a lost key, holds up none of the others. */
  async function forEach(
    list: readonly TxRecord[],
    work: (record: TxRecord) => Promise<void>,
  ): Promise<void> {
    for (const record of list) {
      try {
        await work(record)
      } catch (error) {
        if (stopping.signal.aborted || error instanceof StoreError || error instanceof ChainUnavailable)
          throw error
        logger.error({ err: error, tx: shortId(record.key), chain }, 'a record cannot be worked on')
      }
    }
  }

  async function jumpTo(head: Head, cursor: ChainCursor | null): Promise<void> {
    const tip = cursor?.trail.at(-1)
    if (tip?.height === head.height && tip.hash === head.hash) return
    const ref: BlockRef = { height: head.height, hash: head.hash }
    const follows = tip !== undefined && tip.height + 1n === head.height
    await records.saveCursor(
      chain,
      follows ? [...(cursor?.trail ?? []), ref].slice(-maxTrailBlocks) : [ref],
      cursor?.version ?? 0,
      Date.now(),
    )
    metrics.blockHeight.set({ chain }, Number(head.height))
  }

  /** One receipt look-up per waiting transaction, one after the other. */
  async function lookUpAll(): Promise<void> {
    let after: TxRecord['key'] | undefined
    for (;;) {
      const page = await records.listLive(
        chain,
        after === undefined ? { limit: pageSize } : { after, limit: pageSize },
      )
      await forEach(page, async (record) => {
        if (record.exposedTo === null) return
        const txId = toTxId(vault.open(record.txId, record.key, 'txId'))
        const found = await adapter.find(txId, waiting)
        if (found) await settle.included(record, found.inclusion, found.block)
      })
      after = page.at(-1)?.key
      if (page.length < pageSize) return
    }
  }

  async function tick(): Promise<void> {
    try {
      await follow()
      troubles = 0
    } catch (error) {
      if (stopping.signal.aborted) return
      troubles++
      if (troubles === 1) logger.warn({ err: error, chain }, 'the chain cannot be followed at the moment')
    }
    if (stopping.signal.aborted) return
    const delayMs = Math.min(
      pollIntervalMs * 2 ** Math.min(troubles, 8),
      Math.max(maxPollBackoffMs, pollIntervalMs),
    )
    timer = setTimeout(
      () => {
        following = tick()
      },
      troubles === 0 ? pollIntervalMs : delayMs,
    )
  }

  return {
    async start(probed) {
      void worker
        .run()
        .catch((error: unknown) => logger.error({ err: error, chain }, 'the confirm worker stopped'))
      following = (probed ?? Promise.resolve()).then(tick)
      await following
    },
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await following
      await worker.close()
      await records.unlease(`head-${chain}`, me)
    },
  }
}

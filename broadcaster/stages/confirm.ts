import { type ChainId, toTxId } from '@veilcast/shared/protocol'
import type { Job, Worker } from 'bullmq'
import { type ChainAdapter, ChainUnavailable, type Head, NotAgreed } from '../chains/ChainAdapter.ts'
import type { Disputes } from '../observability/disputes.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { QueueBackend } from '../store/QueueBackend.ts'
import {
  type BlockRef,
  type ChainCursor,
  maxTrailBlocks,
  type TxKey,
  type TxRecord,
  type TxStore,
} from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import type { EndReplaced } from './endReplaced.ts'
import { endpointsIn } from './exposedTo.ts'
import { forEachLive } from './forEachLive.ts'
import { forEachRecord } from './forEachRecord.ts'
import { lookAhead } from './lookAhead.ts'
import { createMatchBlock, isLive, type MatchedBlock } from './matchBlock.ts'
import { remember } from './remember.ts'
import type { Settle } from './settle.ts'
import { createSettleFinal } from './settleFinal.ts'
import type { SubmitJobs } from './submitJobs.ts'
import { tellOfFailures } from './tellOfFailures.ts'
import { timeJobs } from './timeJobs.ts'

/** Job ids and queue names hold no `:`. */
export function confirmQueue(chain: ChainId): string {
  return `confirm-${chain.replace(':', '-')}`
}

interface ConfirmJob {
  readonly height: string
  readonly head: {
    readonly from: string
    readonly height: string
    readonly hash: string
    readonly finalHeight: string
  }
}

/** Blocks that are read before the one below them is written: a far endpoint costs its time once for all of them. */
const maxBlocksAtOnce = 4
/** What they may hold together, by the limit of each. */
const maxBytesAtOnce = 268_435_456
/** More blocks than this are not read one by one: a receipt look-up per waiting transaction instead. */
const maxGapBlocks = 256
/** After a pause of this length look-ups come first where they are the fewer calls. */
const maxPauseMs = 30_000
/** A head below all that is known is believed after this long: a chain that began anew, not a node that is a moment behind. */
const lowHeadMs = 30_000
/** The last blocks before the head are matched all the same: an endpoint that is a few behind does not find what is in them. */
const overlapBlocks = 8n
/** Look-ups that nobody answered, one after the other, are tried again after this many, for this long, and then passed over. */
const maxUnanswered = 8
const unansweredMs = 60_000
/** What a reorganisation put back is matched against the new blocks first, and sent again after this at the latest. */
const sendAgainAfterMs = 5_000
const maxPollBackoffMs = 30_000
const leaseMs = 5_000

interface Gap {
  readonly head: Head
  after: TxKey | undefined
  /** Since when no look-up was answered. */
  unansweredSinceMs: number | undefined
}

export interface ConfirmStage {
  /** Follows the chain once it was `probed`. Resolves after the first look at its head, also where that failed. */
  start(probed: Promise<void> | undefined): Promise<void>
  stop(): Promise<void>
}

/**
 * Matches the blocks of one chain against the record: a job for those up to the head, in order, contiguous by parent. No job and no
 * RPC call per waiting transaction. A durable cursor says how far it came; a parent that does not fit is a reorganisation
 * and takes the cursor back to the last block that both chains share. Nothing ends before the cursor has reached the head
 * that called it final, so that all of it is one chain, whichever endpoints gave the parts.
 */
export function createConfirmStage(parts: {
  readonly adapter: ChainAdapter
  readonly records: TxStore
  readonly queues: QueueBackend
  readonly submitJobs: SubmitJobs
  readonly vault: Vault
  readonly settle: Settle
  readonly endReplaced: EndReplaced
  readonly pollIntervalMs: number
  readonly metrics: Metrics
  readonly disputes: Disputes
  readonly logger: Logger
}): ConfirmStage {
  const { adapter, records, queues, submitJobs, vault, settle, endReplaced, pollIntervalMs, logger } = parts
  const { chain } = adapter
  const name = confirmQueue(chain)
  const queue = queues.queue(name)
  const worker: Worker = queues.worker(name, (job) => run(job), { concurrency: 1 })
  tellOfFailures(worker, parts)
  timeJobs(worker, parts.metrics)
  const stopping = new AbortController()
  const me = `${process.pid}-${Math.random().toString(36).slice(2)}`
  const waiting = { signal: stopping.signal }
  const leaseOfMs = Math.max(leaseMs, pollIntervalMs * 3)
  const many = { signal: stopping.signal, logger }
  const matchBlock = createMatchBlock({ ...parts, stopping: stopping.signal })
  const leaseName = `head-${chain}`
  /** One more after each that was written, and one again after a failure: a slow link, or a node that counts, is not overrun. */
  let blocksAtOnce = 1
  let timer: NodeJS.Timeout | undefined
  let following: Promise<void> = Promise.resolve()
  let troubles = 0
  let followedMs = 0
  /** Since when heads were below all that is known. */
  let lowSinceMs: number | undefined
  /** Look-ups under way: where blocks are matched from again, and how far the look-ups came. */
  let gap: Gap | undefined
  /** Put back by a reorganisation, to be sent again unless the new blocks hold them. */
  const putBacks = new Map<TxKey, { readonly sinceMs: number; readonly height: bigint }>()
  const finality = createSettleFinal({ ...parts, putBack, stopping: stopping.signal })

  /** One process per chain asks for the head, as long as it holds the lease. */
  async function follow(): Promise<void> {
    // The head first, the count second: whatever is exposed after the head was read is in a later block.
    const head = await adapter.head(waiting)
    const live = await records.countLive(chain)
    const cursor = await records.cursor(chain)
    const tip = cursor?.trail.at(-1)
    if (live === 0 || cursor === null || tip === undefined) {
      if (live > 0) await leap(head)
      else {
        gap = undefined
        await jumpTo(head, cursor)
      }
    } else if (gap || isGap(head, cursor, tip, live)) {
      await leap(head)
    } else if (head.height > tip.height) {
      await addBlocks(tip, head)
    } else {
      const own = cursor.trail.find(({ height }) => height === head.height)
      if (own?.hash === head.hash) finality.settle(head, cursor.trail)
      else if (own) await rewind(cursor, own.height)
      else await askBelow(cursor, tip)
    }
    followedMs = Date.now()
  }

  function isGap(head: Head, cursor: ChainCursor, tip: BlockRef, live: number): boolean {
    const nowMs = Date.now()
    const isLow = head.height < (cursor.trail[0] ?? tip).height
    lowSinceMs = isLow ? (lowSinceMs ?? nowMs) : undefined
    if (lowSinceMs !== undefined && nowMs - lowSinceMs > lowHeadMs) return true
    const missed = head.height - tip.height
    if (missed > BigInt(maxGapBlocks)) return true
    const paused = nowMs - Math.max(followedMs, cursor.savedAtMs) > maxPauseMs
    return paused && missed > BigInt(live)
  }

  /** A head below the trail, of an endpoint that is behind or of a chain that is shorter now. */
  async function askBelow(cursor: ChainCursor, tip: BlockRef): Promise<void> {
    const hash = await adapter.blockHash(tip.height, waiting)
    if (hash !== null && hash !== tip.hash) await rewind(cursor, tip.height)
  }

  /** One job at a time matches blocks, in whichever process: one that is added while it runs is none. */
  async function addBlocks({ height }: BlockRef, head: Head): Promise<void> {
    const data: ConfirmJob = {
      height: String(height + 1n),
      head: {
        from: head.from,
        height: String(head.height),
        hash: head.hash,
        finalHeight: String(head.finalHeight),
      },
    }
    await queue.add('blocks', data, { jobId: name, removeOnComplete: true, removeOnFail: true })
  }

  async function run(job: Job<ConfirmJob>): Promise<void> {
    try {
      await matchBlocks(BigInt(job.data.height), job.data.head)
    } catch (error) {
      // The poll adds the blocks again; a thrown error would be stored and shown by BullMQ as it is.
      if (!(error instanceof ChainUnavailable) && !stopping.signal.aborted) {
        logger.warn({ err: error, chain }, 'blocks will be matched again')
      }
    }
  }

  /** From the one above the cursor up to the head; those ahead are looked at while the ones below them are written. */
  async function matchBlocks(first: bigint, head: ConfirmJob['head']): Promise<void> {
    if ((await records.cursor(chain))?.trail.at(-1)?.height !== first - 1n) return
    try {
      await lookAhead(
        {
          first,
          last: BigInt(head.height),
          width: () => Math.min(blocksAtOnce, maxAtOnce()),
          signal: stopping.signal,
        },
        matchBlock.look,
        async (found) => {
          const isAdded = found !== null && (await addToTrail(found, head))
          blocksAtOnce = isAdded ? Math.min(blocksAtOnce + 1, maxBlocksAtOnce) : 1
          return isAdded
        },
      )
    } catch (error) {
      blocksAtOnce = 1
      throw error
    }
  }

  function maxAtOnce(): number {
    return Math.max(1, Math.floor(maxBytesAtOnce / adapter.maxBlockBytes))
  }

  /** False where it does not follow the trail, or another process was faster. */
  async function addToTrail(found: MatchedBlock, head: ConfirmJob['head']): Promise<boolean> {
    const { height, hash, parentHash } = found.block
    const cursor = await records.cursor(chain)
    const tip = cursor?.trail.at(-1)
    if (!cursor || tip === undefined || tip.height + 1n !== height) return false
    if (parentHash !== tip.hash) {
      await rewind(cursor, tip.height)
      return false
    }
    await matchBlock.write(found)
    const trail = [...cursor.trail, { height, hash }].slice(-maxTrailBlocks)
    if (!(await records.saveCursor(chain, trail, cursor.version, Date.now()))) return false
    if (head.hash === hash) finality.settle(head, trail)
    return true
  }

  /**
   * The trail does not fit what an endpoint says of the chain at `height` or above: goes back to the newest block of it that
   * still is the chain's, found by bisection. An endpoint that was on another chain, or has not the block, changes nothing.
   */
  async function rewind(cursor: ChainCursor, height: bigint): Promise<void> {
    const { trail } = cursor
    let gone = trail.findIndex((block) => block.height === height)
    if (gone < 0 || (await isGone(trail[gone])) !== true) return
    let kept = -1
    while (gone - kept > 1) {
      const middle = (gone + kept) >> 1
      const isMiddleGone = await isGone(trail[middle])
      if (isMiddleGone === undefined) return
      if (isMiddleGone) gone = middle
      else kept = middle
    }
    logger.warn(
      { chain, height: String(trail[gone]?.height), blocks: trail.length - gone },
      'reorganisation: blocks were replaced',
    )
    for (const block of trail.slice(gone)) {
      await forEachRecord(await records.inBlock(chain, block), (record) => putBack(record, height), many)
    }
    if (gone > 0) {
      await records.saveCursor(chain, trail.slice(0, gone), cursor.version, Date.now())
      // The next poll goes on from there, with a head of the new chain.
      return
    }
    // Deeper than the trail: start from a look-up of all that waits.
    await leap(await adapter.head(waiting))
  }

  /** Undefined where the endpoint cannot tell. */
  async function isGone(block: BlockRef | undefined): Promise<boolean | undefined> {
    if (block === undefined) return undefined
    const hash = await adapter.blockHash(block.height, waiting)
    return hash === null ? undefined : hash !== block.hash
  }

  async function putBack(record: TxRecord, height: bigint): Promise<void> {
    const back = await settle.reorged(record)
    if (back) remember(putBacks, back.key, { sinceMs: Date.now(), height })
  }

  /** After a crash in between, reconcile does it. */
  async function sendPutBacks(): Promise<void> {
    if (putBacks.size === 0) return
    const tipHeight = (await records.cursor(chain))?.trail.at(-1)?.height ?? 0n
    for (const [key, { sinceMs, height }] of putBacks) {
      if (tipHeight < height && Date.now() - sinceMs < sendAgainAfterMs) continue
      putBacks.delete(key)
      const record = await records.get(key)
      if (record && isLive(record) && record.blockHeight === null) {
        await submitJobs.add(record, { again: true })
      }
    }
  }

  async function jumpTo(
    head: BlockRef & { readonly parentHash?: string },
    cursor: ChainCursor | null,
  ): Promise<void> {
    const tip = cursor?.trail.at(-1)
    if (tip?.height === head.height && tip.hash === head.hash) return
    const ref: BlockRef = { height: head.height, hash: head.hash }
    const follows =
      tip !== undefined && tip.height + 1n === head.height && tip.hash === (head.parentHash ?? tip.hash)
    await records.saveCursor(
      chain,
      follows ? [...(cursor?.trail ?? []), ref].slice(-maxTrailBlocks) : [ref],
      cursor?.version ?? 0,
      Date.now(),
    )
  }

  /**
   * Looks all up that waits, then matches blocks from a little below `head` on. What fails goes on where it was, with the same
   * head. What cannot be looked up while others can holds up nothing: reconcile looks it up before its time is over.
   */
  async function leap(head: Head): Promise<void> {
    // With no page done all is looked up again, so that the newest head does, whose state nodes still have.
    if (gap?.after === undefined) {
      gap = { head, after: undefined, unansweredSinceMs: gap?.unansweredSinceMs }
    }
    const leaping = gap
    let answered = 0
    let unanswered = 0
    const endPage = (): void => {
      stopping.signal.throwIfAborted()
      if (answered > 0) leaping.unansweredSinceMs = undefined
      else if (unanswered > 0) giveUpEarly(leaping)
      answered = 0
      unanswered = 0
    }
    await forEachLive(
      records,
      chain,
      async (record) => {
        if (await lookUp(record, leaping.head.finalHeight)) answered++
        else if (++unanswered >= maxUnanswered && answered === 0) giveUpEarly(leaping)
      },
      {
        ...many,
        after: leaping.after,
        onPage(last) {
          endPage()
          leaping.after = last
        },
      },
    )
    endPage()
    await jumpTo(await startOf(leaping.head), await records.cursor(chain))
    gap = undefined
    lowSinceMs = undefined
  }

  /** @throws ChainUnavailable while it may be the chain that is away, and not these look-ups */
  function giveUpEarly(leaping: Gap): void {
    const nowMs = Date.now()
    leaping.unansweredSinceMs ??= nowMs
    if (nowMs - leaping.unansweredSinceMs < unansweredMs) {
      throw new ChainUnavailable('No look-up after a gap is answered.')
    }
  }

  async function startOf(head: Head): Promise<BlockRef> {
    const height = head.height - overlapBlocks
    const hash = height > 0n ? await blockHash(height) : null
    return hash === null ? head : { height, hash }
  }

  async function blockHash(height: bigint): Promise<string | null> {
    try {
      return await adapter.blockHash(height, waiting)
    } catch (error) {
      if (error instanceof ChainUnavailable) return null
      throw error
    }
  }

  /** False where nobody answers. */
  async function lookUp(record: TxRecord, finalHeight: bigint): Promise<boolean> {
    if (record.exposedTo === null && record.blockHeight === null) return true
    try {
      const txId = toTxId(vault.open(record.txId, record.key, 'txId'))
      const found = await adapter.find(txId, { ...waiting, handedTo: endpointsIn(record.exposedTo) })
      if (found) {
        await matchBlock.included(record, found, found.block)
      } else if (record.blockHeight !== null && record.blockHash !== null) {
        if ((await isGone({ height: record.blockHeight, hash: record.blockHash })) === true) {
          await putBack(record, record.blockHeight)
        }
      } else {
        await endIfReplaced(record, finalHeight)
      }
      return true
    } catch (error) {
      // It is looked up again before it is sent again.
      if (error instanceof NotAgreed) return true
      if (error instanceof ChainUnavailable) return false
      throw error
    }
  }

  /** Nodes may have let go of the state that finality depth speaks of: the newest blocks, or reconcile, tell it then. */
  async function endIfReplaced(record: TxRecord, finalHeight: bigint): Promise<void> {
    try {
      await endReplaced.end(adapter, record, finalHeight, waiting)
    } catch (error) {
      if (!(error instanceof ChainUnavailable)) throw error
    }
  }

  async function tick(): Promise<void> {
    try {
      if (await records.lease(leaseName, me, leaseOfMs)) await whileLeased(follow)
      await sendPutBacks()
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

  /** Look-ups after a gap take longer than the lease lasts. */
  async function whileLeased(work: () => Promise<void>): Promise<void> {
    let renewing: Promise<void> = Promise.resolve()
    let isRenewing = false
    // One at a time, and none that outlives the work: it would take anew what was given back at the end.
    async function renew(): Promise<void> {
      if (stopping.signal.aborted) return
      isRenewing = true
      await records.lease(leaseName, me, leaseOfMs).catch(() => undefined)
      isRenewing = false
    }
    const timer = setInterval(() => {
      if (!isRenewing) renewing = renew()
    }, leaseOfMs / 3)
    try {
      await work()
    } finally {
      clearInterval(timer)
      await renewing
    }
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
      await worker.close().finally(() => finality.settled())
      await records.unlease(leaseName, me)
    },
  }
}

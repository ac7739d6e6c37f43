import { wireError } from '@veilcast/shared/errors'
import { type ChainAdapter, ChainUnavailable, type InspectedTx } from '../chains/ChainAdapter.ts'
import type { Logger } from '../observability/logger.ts'
import type { BlockRef, TxKey, TxRecord, TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import { inspectRecord } from './endReplaced.ts'
import { forEachChanged } from './forEachChanged.ts'
import { remember } from './remember.ts'
import type { Settle } from './settle.ts'

const settledPageSize = 256
const maxSettledPage = 4096
/** How often a replacement that two operators do not agree on is asked about, and how long beyond notAfter. */
const askAgainMs = 5_000
const maxDisagreementMs = 60 * 60_000

export interface SettleFinal {
  /**
   * Ends what is deep enough. `trail` holds the head that said how deep that is. One at a time, beside the blocks that come
   * meanwhile: the next head comes by again.
   */
  settle(
    head: { readonly from: string; readonly finalHeight: bigint | string },
    trail: readonly BlockRef[],
  ): void
  /** Resolves once nothing of it runs. */
  settled(): Promise<void>
}

/** Ends records of one chain whose block is final, or in whose place another transaction is. */
export function createSettleFinal(parts: {
  readonly adapter: ChainAdapter
  readonly records: TxStore
  readonly vault: Vault
  readonly settle: Settle
  readonly logger: Logger
  /** Of a record whose block is gone: reorganised. */
  readonly putBack: (record: TxRecord, height: bigint) => Promise<void>
  readonly stopping: AbortSignal
}): SettleFinal {
  const { adapter, records, vault, settle, logger, putBack, stopping } = parts
  const { chain } = adapter
  const waiting = { signal: stopping }
  const many = { signal: stopping, logger }
  let settling: Promise<void> | undefined
  /** When a replacement that is not agreed on is asked about again. */
  const askedMs = new Map<TxKey, number>()

  /** @param from the endpoint that says what is final */
  async function settleUpTo(from: string, finalHeight: bigint, trail: readonly BlockRef[]): Promise<void> {
    const tipHeight = trail.at(-1)?.height ?? 0n
    const upTo = finalHeight < tipHeight ? finalHeight : tipHeight
    const own = new Map(trail.map((block) => [block.height, block.hash]))
    /** Blocks that the trail does not hold, or holds otherwise: asked once each. */
    const asked = new Map<bigint, Promise<string | null>>()
    /** By block: whether another endpoint calls it final, asked once each. */
    const elsewhere = new Map<string, Promise<boolean>>()
    let limit = settledPageSize
    for (;;) {
      const settled = await records.settledUpTo(chain, upTo, limit)
      let ended = 0
      const end = async (record: TxRecord): Promise<void> => {
        if (await settleOne(record)) ended++
      }
      await forEachChanged(settled, asksChain, end, many)
      if (settled.length < limit) return
      // What cannot be ended now must not stand before what can.
      if (ended === 0 && limit === maxSettledPage) return
      if (ended === 0) limit = Math.min(limit * 2, maxSettledPage)
    }

    function asksChain({ blockHeight, blockHash, state }: TxRecord): boolean {
      if (blockHeight !== null && own.get(blockHeight) !== blockHash) return true
      return state !== 'included' && adapter.operators > 1
    }

    async function settleOne(record: TxRecord): Promise<boolean> {
      const { blockHeight, blockHash } = record
      if (blockHeight === null || blockHash === null) return false
      if (own.get(blockHeight) !== blockHash) {
        const asking = asked.get(blockHeight) ?? adapter.blockHash(blockHeight, waiting)
        asked.set(blockHeight, asking)
        const hash = await asking
        if (hash === null) return false
        if (hash !== blockHash) {
          await putBack(record, blockHeight)
          return false
        }
      }
      const isFinal =
        elsewhere.get(blockHash) ??
        adapter.isFinalElsewhere(from, { height: blockHeight, hash: blockHash }, waiting)
      elsewhere.set(blockHash, isFinal)
      if (!(await isFinal)) return false
      if (record.state !== 'included' && !(await isAgreed(record))) return false
      return (await settle.final(record)) !== null
    }
  }

  /** That another transaction stands in its place is said by two operators where there are two: the blocks are one witness. */
  async function isAgreed(record: TxRecord): Promise<boolean> {
    if (adapter.operators === 1) return true
    const nowMs = Date.now()
    const lastMs = askedMs.get(record.key)
    if (lastMs !== undefined && nowMs - lastMs < askAgainMs) return false
    remember(askedMs, record.key, nowMs)
    const tx = inspectRecord(adapter, record, vault)
    if (tx === undefined || (await hasOneUse(tx))) {
      askedMs.delete(record.key)
      return true
    }
    if (nowMs > record.notAfterMs + maxDisagreementMs) {
      await settle.lapsed(record, wireError('lapsed', { notAfter: Math.floor(record.notAfterMs / 1000) }))
    }
    return false
  }

  async function hasOneUse(tx: InspectedTx): Promise<boolean> {
    try {
      return (await adapter.slotUse(tx, 'latest', waiting)) === 'used'
    } catch (error) {
      if (error instanceof ChainUnavailable) return false
      throw error
    }
  }

  return {
    settle({ from, finalHeight }, trail) {
      settling ??= settleUpTo(from, BigInt(finalHeight), trail)
        .catch((error: unknown) => {
          if (error instanceof ChainUnavailable || stopping.aborted) return
          logger.warn({ err: error, chain }, 'what is final will be settled again')
        })
        .finally(() => {
          settling = undefined
        })
    },
    settled: async () => settling,
  }
}

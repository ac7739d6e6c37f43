import type { BlockTx, ChainAdapter, ChainBlock, Witness } from '../chains/ChainAdapter.ts'
import type { Disputes } from '../observability/disputes.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { type BlockRef, type Mac, StoreError, type TxRecord, type TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import { forEachChanged } from './forEachChanged.ts'
import type { Settle } from './settle.ts'

/** A block, and what it says of the record's transactions: nothing of it is written yet. */
export interface MatchedBlock {
  readonly block: ChainBlock
  readonly matched: readonly TxRecord[]
  readonly byTxId: ReadonlyMap<Mac, BlockTx>
  readonly bySlot: ReadonlyMap<string, BlockTx>
  readonly witnessed: ReadonlySet<Mac>
}

export interface MatchBlock {
  /**
   * Reads the block of this height, finds the records that it speaks of, and asks another endpoint about them. A transaction
   * is exposed before it can be in a block that somebody reads, so that blocks may be looked at before those below them are
   * written. Null where no endpoint has the block, or none that could witness it yet, or one that should has another. @throws ChainUnavailable, StoreError
   */
  look(height: bigint, signal: AbortSignal): Promise<MatchedBlock | null>
  /** @throws StoreError, ChainUnavailable: it is to be matched again */
  write(found: MatchedBlock): Promise<void>
  /** @throws StoreError */
  included(record: TxRecord, tx: Pick<BlockTx, 'inclusion'>, block: BlockRef): Promise<void>
}

/** Matches the transactions of a block against the record: one question to the store, whatever waits. */
export function createMatchBlock(parts: {
  readonly adapter: ChainAdapter
  readonly records: TxStore
  readonly vault: Vault
  readonly settle: Settle
  readonly metrics: Metrics
  readonly disputes: Disputes
  readonly logger: Logger
  readonly stopping: AbortSignal
}): MatchBlock {
  const { adapter, records, vault, settle, metrics, disputes, logger, stopping } = parts
  const { chain } = adapter

  async function look(height: bigint, signal: AbortSignal): Promise<MatchedBlock | null> {
    const block = await adapter.readBlock(height, { signal })
    if (block === null) return null
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
    const matched =
      block.transactions.length === 0 ? [] : await records.match(chain, [...byTxId.keys()], slots)
    const own = matched.flatMap(({ txIdMac }) => byTxId.get(txIdMac)?.txId ?? [])
    const said: Witness =
      own.length === 0 ? { kind: 'told', txIds: own } : await adapter.witness(block, own, { signal })
    if (said.kind === 'otherBlock') disputes.note(chain, height, [block.from, ...said.endpoints])
    if (said.kind !== 'told') return null
    const witnessed = said.txIds
    if (witnessed.length < own.length) {
      // They are looked up later, and told once two agree; the others wait for nobody.
      metrics.contradictions.inc({ chain }, own.length - witnessed.length)
      logger.warn({ chain, height: String(height) }, 'two endpoints contradict each other about a block')
    }
    return {
      block,
      matched,
      byTxId,
      bySlot,
      witnessed: new Set(witnessed.map((txId) => vault.txIdMac(chain, txId))),
    }
  }

  function write({ block, matched, byTxId, bySlot, witnessed }: MatchedBlock): Promise<void> {
    const ref: BlockRef = { height: block.height, hash: block.hash }
    return forEachChanged(
      matched,
      // What it reverted with is asked.
      (record) => hasReverted(byTxId.get(record.txIdMac)),
      async (record) => {
        const same = byTxId.get(record.txIdMac)
        const other = bySlot.get(`${record.laneMac}/${record.sequence}`)
        if (same && witnessed.has(record.txIdMac)) await included(record, same, ref)
        else if (other && !same) await overtaken(record, other, ref)
      },
      { signal: stopping, logger },
    )
  }

  function included(record: TxRecord, tx: Pick<BlockTx, 'inclusion'>, ref: BlockRef): Promise<void> {
    return insist(record, async (current) =>
      current.state === 'final' ? current : settle.included(current, tx.inclusion, ref),
    )
  }

  function overtaken(record: TxRecord, other: BlockTx, ref: BlockRef): Promise<void> {
    return insist(record, async (current) =>
      isLive(current) ? settle.overtaken(current, other.txId, ref) : current,
    )
  }

  /** Another change of the same record can only be the submit stage's: read it again and say it all the same. */
  async function insist(
    record: TxRecord,
    write: (current: TxRecord) => Promise<TxRecord | null>,
  ): Promise<void> {
    let current: TxRecord | null = record
    for (let attempt = 0; attempt < 5 && current !== null; attempt++) {
      if (await write(current)) return
      current = await records.get(record.key)
    }
    // Ends the block, which is matched again: as a fault of this record alone it would be passed over for good.
    if (current !== null) {
      throw new StoreError('A record changes faster than what a block says can be written.')
    }
  }

  return { look, write, included }
}

/** An EVM chain tells what a contract gave back only when it is asked. */
function hasReverted(tx: BlockTx | undefined): boolean {
  return tx?.inclusion.family === 'evm' && !tx.inclusion.ok
}

/** Whether what a chain says of it can still change it. */
export function isLive({ state }: TxRecord): boolean {
  return state === 'held' || state === 'exposed' || state === 'included'
}

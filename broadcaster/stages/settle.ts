import type { WireError } from '@veilcast/shared/errors'
import {
  type Inclusion,
  maxRevertDataBytes,
  type TxId,
  type TxState,
  toTxId,
  txState,
} from '@veilcast/shared/protocol'
import type { ChainAdapter } from '../chains/ChainAdapter.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Trace } from '../observability/Trace.ts'
import { keepUntilMs } from '../store/keepUntil.ts'
import { openDetail, sealDetail } from '../store/stateOf.ts'
import type { BlockRef, RecordState, TxPatch, TxRecord, TxStore } from '../store/TxStore.ts'
import type { Vault } from '../store/vault.ts'
import { exposedByOthers, nameEndpoints } from './exposedTo.ts'

/** The changes of state, each written once. All are compare-and-set: null where another was faster, or the store is another. */
export interface Settle {
  /** Nobody has been shown it, and by our own checks nobody shall. */
  refused(record: TxRecord, error: WireError): Promise<TxRecord | null>
  lapsed(record: TxRecord, error: WireError): Promise<TxRecord | null>
  /** Durable before the first byte goes to one of the endpoints. */
  exposed(record: TxRecord, endpoints: readonly string[]): Promise<TxRecord | null>
  /** Others may have seen it: it is never again `notSent`, whatever becomes of it. */
  seenByOthers(record: TxRecord): Promise<TxRecord | null>
  rejected(record: TxRecord, rejection: WireError): Promise<TxRecord | null>
  included(record: TxRecord, inclusion: Inclusion, block: BlockRef): Promise<TxRecord | null>
  /** Another transaction used its number in this block; told at finality depth. */
  overtaken(record: TxRecord, by: Uint8Array, block: BlockRef): Promise<TxRecord | null>
  /** Ends it at once: another transaction, all zeros where it is not known which, used its number at finality depth. */
  replaced(record: TxRecord, by: TxId, height: bigint): Promise<TxRecord | null>
  /** The block that it was in is no more. */
  reorged(record: TxRecord): Promise<TxRecord | null>
  /** Its block is final: what it was in becomes its end. */
  final(record: TxRecord): Promise<TxRecord | null>
}

export function createSettle(parts: {
  readonly records: TxStore
  readonly vault: Vault
  readonly retentionSeconds: number
  readonly metrics: Metrics
  readonly trace?: Trace | undefined
  /** By chain, for the revert data of a transaction that failed. */
  readonly chains: ReadonlyMap<string, ChainAdapter>
}): Settle {
  const { records, vault, metrics, trace, chains } = parts

  async function write(record: TxRecord, patch: TxPatch): Promise<TxRecord | null> {
    const nowMs = Date.now()
    const changed = await records.update(record.key, record.number, patch, nowMs)
    if (changed && patch.state && patch.state !== record.state) {
      metrics.stageSeconds.observe(
        { chain: record.chain, stage: patch.state },
        (nowMs - record.createdAtMs) / 1000,
      )
      trace?.span({
        name: `until ${patch.state}`,
        startMs: record.changedAtMs,
        of: record.key,
        attributes: { chain: record.chain, stage: patch.state },
      })
    }
    return changed
  }

  function end(record: TxRecord, state: RecordState, detail: TxState): Promise<TxRecord | null> {
    return write(record, {
      state,
      detail: sealDetail(detail, record, vault),
      bytes: null,
      // A block and a time say much about which transaction it was.
      blockHeight: null,
      blockHash: null,
      expiresAtMs: keepUntilMs(record, parts.retentionSeconds, Date.now()),
    })
  }

  /**
   * Between the moment that another life of the store begins, as by a failover to a replica that lags, and the look that
   * meets it, a record may call unsent what was sent. Null then, and it never ends so.
   */
  async function endUnsent(record: TxRecord, state: RecordState, detail: TxState): Promise<TxRecord | null> {
    const [incarnation, known] = await Promise.all([records.incarnation(), records.knownIncarnation()])
    if (known === null || Buffer.compare(known, incarnation) === 0) return end(record, state, detail)
    await seenByOthers(record)
    return null
  }

  const seenByOthers = (record: TxRecord): Promise<TxRecord | null> =>
    write(record, { exposedTo: record.exposedTo ?? exposedByOthers })

  async function rejected(record: TxRecord, rejection: WireError): Promise<TxRecord | null> {
    const known = openDetail(record, vault)
    // Said once: each change is told to the wallet, and costs it a reply block.
    if (known?.stage === 'submitted' && sameError(known.rejection, rejection)) return record
    return write(record, {
      state: 'exposed',
      detail: sealDetail({ stage: 'submitted', rejection }, record, vault),
    })
  }

  return {
    refused: (record, error) =>
      isExposed(record)
        ? rejected(record, { ...error, outcome: 'unknown' })
        : endUnsent(record, 'refused', { stage: 'refused', error }),
    lapsed: (record, error) =>
      isExposed(record)
        ? end(record, 'lapsed', { stage: 'lapsed', error: { ...error, outcome: 'unknown' } })
        : endUnsent(record, 'lapsed', { stage: 'lapsed', error }),
    exposed: (record, endpoints) => write(record, { state: 'exposed', exposedTo: nameEndpoints(endpoints) }),
    seenByOthers,
    rejected,

    async included(record, inclusion, block) {
      const known = record.blockHash === block.hash && record.state === 'included'
      if (known) return record
      const detail: TxState = { stage: 'included', inclusion: await explained(record, inclusion) }
      return write(record, {
        state: 'included',
        // Whoever sent it: bytes that stood in a block were seen by all, and are never again `notSent`.
        exposedTo: record.exposedTo ?? exposedByOthers,
        detail: sealDetail(detail, record, vault),
        blockHeight: block.height,
        blockHash: block.hash,
        expiresAtMs: null,
      })
    },

    async overtaken(record, by, block) {
      if (record.blockHash === block.hash) return record
      const detail: TxState = { stage: 'replaced', by: toTxId(by), height: block.height }
      return write(record, {
        detail: sealDetail(detail, record, vault),
        blockHeight: block.height,
        blockHash: block.hash,
      })
    },

    replaced: (record, by, height) => end(record, 'replaced', { stage: 'replaced', by, height }),

    reorged: (record) =>
      write(record, {
        state: isExposed(record) ? 'exposed' : 'held',
        detail: null,
        blockHeight: null,
        blockHash: null,
      }),

    async final(record) {
      const detail = openDetail(record, vault)
      if (detail?.stage === 'included') {
        return end(record, 'final', { stage: 'final', inclusion: detail.inclusion })
      }
      if (detail?.stage === 'replaced') return end(record, 'replaced', detail)
      return null
    },
  }

  async function explained(record: TxRecord, inclusion: Inclusion): Promise<Inclusion> {
    const adapter = chains.get(record.chain)
    if (inclusion.family !== 'evm' || inclusion.ok || record.bytes === null || !adapter) return inclusion
    try {
      const tx = adapter.inspect(vault.open(record.bytes, record.key, 'bytes'))
      const revertData = await adapter.revertData(tx, inclusion)
      return { ...inclusion, revertData: revertData.subarray(0, maxRevertDataBytes) }
    } catch {
      // The inclusion counts, also where today's configuration would not take the transaction any more.
      return inclusion
    }
  }
}

function sameError(a: WireError | undefined, b: WireError): boolean {
  const written = (rejection: WireError | undefined) => txState.encode({ stage: 'submitted', rejection })
  return Buffer.compare(written(a), written(b)) === 0
}

function isExposed(record: TxRecord): boolean {
  return record.exposedTo !== null
}

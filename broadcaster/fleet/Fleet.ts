import type { ProcessReport } from './ProcessReport.ts'
import type { Sample, Span } from './Sample.ts'

/**
 * What the processes of a fleet say of themselves, what they did over the last day, and who changed the queues by hand. Beside the record,
 * on the same server, so that every process shows the same.
 */
export interface Fleet {
  /**
   * Takes the place of what this process said before. At most `maxProcesses` are kept: beyond, those that were heard longest ago go.
   * @throws StoreError
   */
  publish(report: ProcessReport, ttlMs: number): Promise<void>
  /** All that are not yet forgotten, by name and then by start. What another version wrote and this one cannot read is left out. @throws StoreError */
  processes(): Promise<readonly SeenProcess[]>
  /** A process says goodbye. @throws StoreError */
  remove(id: string): Promise<void>
  /** Also drops those that are older than the span's `keptMs`. One of the same time is replaced. @throws StoreError */
  append(span: Span, sample: Sample): Promise<void>
  /** Those that ended at or after `sinceMs`, oldest first. @throws StoreError */
  samples(span: Span, sinceMs: number): Promise<readonly Sample[]>
  /** Kept beyond every restart; the latest `maxAuditEntries`. @throws StoreError */
  audit(entry: AuditEntry): Promise<void>
  /** The latest first. @throws StoreError */
  audits(limit: number): Promise<readonly AuditEntry[]>
}

export interface SeenProcess {
  readonly report: ProcessReport
  /** By the store's clock. */
  readonly heardMsAgo: number
  /** How far its clock was ahead of the store's when the report came, a moment on the way included. */
  readonly clockAheadMs: number
}

/** What somebody did to a queue by hand. */
export interface AuditEntry {
  readonly atMs: number
  /** Eight characters that name a login, and mean nothing outside of this page. */
  readonly session: string
  readonly action: string
  readonly queue: string
  /** HTTP status of the answer. */
  readonly result: number
}

export const maxAuditEntries = 1_000

import type { TxKey } from '../store/TxStore.ts'

/** Where spans go, if anywhere. What they hold is what the log holds: chains, stages, endpoint ids, times, and a short id of this process. */
export interface Trace {
  span(span: Span): void
  /** Sends what was not sent yet, within a few seconds. Never rejects. */
  stop(): Promise<void>
}

export interface Span {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly startMs: number
  /** Default: now. */
  readonly endMs?: number
  /** Spans of one transaction are one trace of this process. Default: a trace by itself. */
  readonly of?: TxKey
  readonly attributes: Readonly<Partial<Record<SpanAttribute, string>>>
}

/** No other goes out. */
export type SpanAttribute = 'chain' | 'stage' | 'endpoint' | 'result' | 'kind'

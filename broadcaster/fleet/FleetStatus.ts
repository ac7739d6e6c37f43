import type { SeenProcess } from './Fleet.ts'
import type { DisputeReport, EndpointReport } from './ProcessReport.ts'
import type { Sample } from './Sample.ts'

/** What the whole fleet is like at one moment: what its processes said, and what only the store knows. */
export interface FleetStatus {
  readonly atMs: number
  readonly store: {
    readonly kind: string
    /** Where false, all else is what this process knows by itself. */
    readonly answers: boolean
    readonly durability: string
  }
  /** With this one first heard of by itself, also while the store is away. */
  readonly processes: readonly SeenProcess[]
  readonly chains: readonly ChainStatus[]
  readonly queues: readonly QueueStatus[]
  /** The last ten minutes. Null before the first sample. */
  readonly recent: Sample | null
  readonly limits: StatusLimits
}

export interface StatusLimits {
  readonly maxWaitingPerChain: number
  readonly maxUnsentPerChain: number
}

export interface ChainStatus {
  readonly chain: string
  /** In no block yet. */
  readonly waiting: number
  /** Not at an end yet. */
  readonly live: number
  /** Kept records of which no byte was handed over. */
  readonly unsent: number
  /** Up to where its blocks were matched, and when that was written; null before the first. */
  readonly matched: { readonly height: number; readonly atMs: number } | null
  /** The highest block that any process saw at a live endpoint, and since when; 0 before the first. */
  readonly height: number
  readonly heightSinceMs: number
  readonly operators: number
  /** Blocks that two endpoints have differently, as any process saw it lately; lowest first. */
  readonly disputes: readonly DisputeReport[]
  readonly endpoints: readonly EndpointStatus[]
}

/** One endpoint as all processes see it: the worst of them counts. */
export interface EndpointStatus extends EndpointReport {
  /** Processes that see it live, of those that ask it. */
  readonly liveIn: number
  readonly askedBy: number
}

export interface QueueStatus {
  readonly queue: string
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly failed: number
  readonly paused: boolean
}

import type { BroadcasterInfo } from '@veilcast/client'

/** The steps of a start, in their order. */
export const connectionSteps = ['loading', 'joining', 'asking'] as const
export type ConnectionStep = (typeof connectionSteps)[number]

export type Connection =
  | { readonly kind: 'offline' }
  | { readonly kind: 'connecting'; readonly step: ConnectionStep; readonly sinceMs: number }
  | { readonly kind: 'connected'; readonly info: BroadcasterInfo; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly step: ConnectionStep; readonly error: unknown }

import type { NymClientOptions } from './nymClientOptions.ts'

export type WorkerStart = { readonly options: NymClientOptions }

/** To the worker. `id` pairs an order with its outcome. */
export type Order =
  | { readonly id: number; readonly do: 'send'; readonly to: string; readonly payload: Uint8Array }
  | {
      readonly id: number
      readonly do: 'sendAnonymous'
      readonly to: string
      readonly payload: Uint8Array
      readonly replySurbs: number
    }
  | {
      readonly id: number
      readonly do: 'reply'
      readonly senderTag: Uint8Array
      readonly payload: Uint8Array
    }

/** Why the client did not take an order. Its own text names the recipient, so it stays in the worker. */
export type Refusal = 'malformedRecipient' | 'refused'

/** From the worker. */
export type Report =
  | { readonly type: 'ready'; readonly address: string }
  | { readonly type: 'message'; readonly payload: Uint8Array; readonly senderTag: Uint8Array | undefined }
  | { readonly type: 'done'; readonly id: number }
  | { readonly type: 'failed'; readonly id: number; readonly reason: Refusal }

import type { Outgoing } from '../link/Link.ts'
import type { SealedTraffic } from '../link/sealedConfig.ts'
import type { MixnetAddress, MixnetErrorKind, SenderTag } from '../Mixnet.ts'

/** What a worker is born with. */
export interface WorkerTask {
  readonly nymApiUrl: string
  readonly preferredGateway?: string
  readonly forceTls: boolean
  readonly traffic: SealedTraffic
  /** A dumped identity to take up again. */
  readonly identity?: Uint8Array
  /** Whether to hand the identity back once connected. */
  readonly dumpIdentity: boolean
}

export interface ToWorker {
  readonly id: number
  readonly message: Outgoing
}

export type FromWorker =
  | {
      readonly type: 'connected'
      readonly address: MixnetAddress
      readonly identity?: Uint8Array
    }
  | {
      readonly type: 'failed'
      readonly kind: MixnetErrorKind | undefined
      readonly text: string
    }
  | { readonly type: 'taken'; readonly id: number }
  | { readonly type: 'refused'; readonly id: number }
  | {
      readonly type: 'received'
      readonly payload: Uint8Array
      readonly replyTo?: SenderTag
    }
  | { readonly type: 'lost' }

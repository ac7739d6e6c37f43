import type { KeptSecret } from '../keys/keepSecret.ts'
import type { Transfer } from '../transfers/Transfer.ts'

export interface Balance {
  /** Base units; undefined until it was heard once. */
  readonly amount: bigint | undefined
  readonly atMs: number
  readonly loading: boolean
  readonly error: string | undefined
}

/** The key itself is not here: state is what a debugging tool may show. */
export type KeyState =
  | { readonly kind: 'none'; readonly unreadable: boolean }
  | { readonly kind: 'locked' }
  | { readonly kind: 'open'; readonly addresses: Readonly<Record<string, string>>; readonly kept: boolean }

export interface WalletState {
  readonly key: KeyState
  readonly balances: Readonly<Record<string, Balance>>
  /** Newest first. */
  readonly transfers: readonly Transfer[]
  /** What people should know about this browser's storage. */
  readonly storageNotice: string | undefined
}

export type WalletAction =
  | {
      readonly kind: 'keyOpened'
      readonly addresses: Readonly<Record<string, string>>
      readonly kept: boolean
    }
  | { readonly kind: 'keyClosed'; readonly secret: KeptSecret }
  | { readonly kind: 'balanceAsked'; readonly chain: string }
  | { readonly kind: 'balanceHeard'; readonly chain: string; readonly amount: bigint; readonly atMs: number }
  | { readonly kind: 'balanceFailed'; readonly chain: string; readonly error: string }
  | { readonly kind: 'transferStarted'; readonly transfer: Transfer }
  | {
      readonly kind: 'transferChanged'
      readonly id: string
      readonly change: (transfer: Transfer) => Transfer
    }
  | { readonly kind: 'transferDropped'; readonly id: string }
  | { readonly kind: 'storageNoticed'; readonly text: string | undefined }

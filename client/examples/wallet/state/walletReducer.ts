import type { KeptSecret } from '../keys/keepSecret.ts'
import { type KeptTransfers, maxKeptTransfers } from '../transfers/keepTransfers.ts'
import type { Balance, KeyState, WalletAction, WalletState } from './WalletState.ts'

export function walletReducer(state: WalletState, action: WalletAction): WalletState {
  switch (action.kind) {
    case 'keyOpened':
      return { ...state, key: { kind: 'open', addresses: action.addresses, kept: action.kept }, balances: {} }
    case 'keyClosed':
      return { ...state, key: closedKey(action.secret), balances: {} }
    case 'balanceAsked':
      return withBalance(state, action.chain, { loading: true })
    case 'balanceHeard':
      return withBalance(state, action.chain, {
        amount: action.amount,
        atMs: action.atMs,
        loading: false,
        error: undefined,
      })
    case 'balanceFailed':
      return withBalance(state, action.chain, { loading: false, error: action.error })
    case 'transferStarted':
      return { ...state, transfers: [action.transfer, ...state.transfers].slice(0, maxKeptTransfers) }
    case 'transferChanged':
      return {
        ...state,
        transfers: state.transfers.map((transfer) =>
          transfer.id === action.id ? action.change(transfer) : transfer,
        ),
      }
    case 'transferDropped':
      return { ...state, transfers: state.transfers.filter(({ id }) => id !== action.id) }
    case 'storageNoticed':
      return { ...state, storageNotice: action.text }
  }
}

export function initialState(secret: KeptSecret, { transfers, damaged }: KeptTransfers): WalletState {
  return {
    key: closedKey(secret),
    balances: {},
    transfers,
    storageNotice: damaged
      ? 'A part of the list of payments in this browser could not be read; it was left out.'
      : undefined,
  }
}

function closedKey(secret: KeptSecret): KeyState {
  return secret.kind === 'sealed'
    ? { kind: 'locked' }
    : { kind: 'none', unreadable: secret.kind === 'unreadable' }
}

const unknownBalance: Balance = { amount: undefined, atMs: 0, loading: false, error: undefined }

function withBalance(state: WalletState, chain: string, change: Partial<Balance>): WalletState {
  const balance = { ...(state.balances[chain] ?? unknownBalance), ...change }
  return { ...state, balances: { ...state.balances, [chain]: balance } }
}

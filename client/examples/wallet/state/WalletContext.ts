import { createContext, useContext } from 'react'
import type { Chain, Quote } from '../chains/Chain.ts'
import type { WalletState } from './WalletState.ts'

export interface Wallet {
  readonly state: WalletState
  readonly chains: readonly Chain[]
  /** Opens a typed key, and keeps it in this browser where a passphrase is given. @throws KeyError */
  openKey(secret: string, passphrase: string | undefined): Promise<void>
  /** Opens the key that this browser keeps. @throws KeyError */
  unlock(passphrase: string): Promise<void>
  /** Out of memory; the kept one stays, locked. */
  lock(): void
  /** Out of memory and of this browser, and the list of payments with it. */
  forget(): void
  refresh(): void
  /** @throws VeilcastError and what the libraries throw */
  quote(chain: string, to: string, amount: bigint): Promise<Quote>
  /** Signs and sends. What becomes of it is in `state.transfers`. */
  send(quote: Quote): Promise<void>
  /** Asks what became of one that fell silent. */
  askAgain(id: string): void
  /** Takes one that has ended off the list. */
  drop(id: string): void
  dismissNotice(): void
}

export const WalletContext = createContext<Wallet | undefined>(undefined)

export function useWallet(): Wallet {
  const wallet = useContext(WalletContext)
  if (!wallet) throw new Error('useWallet is called outside of a WalletProvider.')
  return wallet
}

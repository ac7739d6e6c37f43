import type { EndpointPool } from '../endpoints/EndpointPool.ts'
import { rememberBriefly } from '../endpoints/rememberBriefly.ts'
import type { CometNode } from './cometNode.ts'
import type { AccountReads } from './preflight.ts'
import { readAccount, readBalance } from './readAccount.ts'

const maxEntries = 4_096

/** So that a run of one account's sequences is looked at with what was read for the first. */
export function rememberAccounts(pool: EndpointPool<CometNode>, maxAgeMs: number): AccountReads {
  const account = rememberBriefly({
    read: (address: string) => pool.ask((node, signal) => readAccount(node, address, signal)),
    maxAgeMs,
    maxEntries,
  })
  const balance = rememberBriefly({
    read(addressAndDenom: string) {
      const [address = '', denom = ''] = addressAndDenom.split(' ')
      return pool.ask((node, signal) => readBalance(node, address, denom, signal))
    },
    maxAgeMs,
    maxEntries,
  })
  return { account: account.get, balance: (address, denom) => balance.get(`${address} ${denom}`) }
}

/** What one node says now. */
export function readsOf(node: CometNode, signal: AbortSignal): AccountReads {
  return {
    account: (address) => readAccount(node, address, signal),
    balance: (address, denom) => readBalance(node, address, denom, signal),
  }
}

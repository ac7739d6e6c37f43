import type { Account } from '@cosmjs/stargate'
import { QueryAccountRequest, QueryAccountResponse } from 'cosmjs-types/cosmos/auth/v1beta1/query'
import { QueryBalanceRequest, QueryBalanceResponse } from 'cosmjs-types/cosmos/bank/v1beta1/query'
import type { Any } from 'cosmjs-types/google/protobuf/any'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { abciQuery } from './abciQuery.ts'
import type { CometNode } from './cometNode.ts'

export type ChainAccount =
  | {
      readonly kind: 'found'
      readonly accountNumber: bigint
      /** The next one, by that block: what waits in the mempool is not counted. */
      readonly sequence: bigint
    }
  | { readonly kind: 'absent' }
  /** Of a kind, or with a kind of key, that CosmJS does not know. */
  | { readonly kind: 'foreign' }

/** By the state after the block `height`, by default the newest. @throws EndpointProblem */
export async function readAccount(
  node: CometNode,
  address: string,
  signal: AbortSignal,
  height?: bigint,
): Promise<ChainAccount> {
  const request = QueryAccountRequest.encode({ address }).finish()
  const answer = await abciQuery(node, '/cosmos.auth.v1beta1.Query/Account', request, signal, height)
  if (answer === null) return { kind: 'absent' }
  const any = decodeAnswer(() => QueryAccountResponse.decode(answer).account)
  if (!any) throw unreadable()
  const account = await parseAccount(any)
  if (account === undefined) return { kind: 'foreign' }
  if (account.address !== address) throw new EndpointProblem('lied')
  return { kind: 'found', accountNumber: account.accountNumber, sequence: BigInt(account.sequence) }
}

/** In the denomination's base unit. @throws EndpointProblem */
export async function readBalance(
  node: CometNode,
  address: string,
  denom: string,
  signal: AbortSignal,
): Promise<bigint> {
  const request = QueryBalanceRequest.encode({ address, denom }).finish()
  const answer = await abciQuery(node, '/cosmos.bank.v1beta1.Query/Balance', request, signal)
  const amount = answer && decodeAnswer(() => QueryBalanceResponse.decode(answer).balance?.amount)
  const balance = parseAmount(amount || '0')
  if (balance === undefined) throw unreadable()
  return balance
}

/** A non-negative 256-bit integer in decimal, or undefined. */
export function parseAmount(text: string): bigint | undefined {
  return /^\d{1,78}$/.test(text) ? BigInt(text) : undefined
}

/** CosmJS is loaded at the first account: who serves no Cosmos chain does not wait for it. */
async function parseAccount(any: Any): Promise<Account | undefined> {
  const { accountFromAny } = await import('@cosmjs/stargate')
  try {
    return accountFromAny(any)
  } catch {
    return undefined
  }
}

function decodeAnswer<T>(decode: () => T): T {
  try {
    return decode()
  } catch {
    throw unreadable()
  }
}

function unreadable(): EndpointProblem {
  return new EndpointProblem('unreachable', 'An answer that cannot be decoded.')
}

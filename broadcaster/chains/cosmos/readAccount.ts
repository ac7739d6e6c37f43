import { BaseAccount, ModuleAccount } from 'cosmjs-types/cosmos/auth/v1beta1/auth'
import { QueryAccountRequest, QueryAccountResponse } from 'cosmjs-types/cosmos/auth/v1beta1/query'
import { QueryBalanceRequest, QueryBalanceResponse } from 'cosmjs-types/cosmos/bank/v1beta1/query'
import {
  BaseVestingAccount,
  ContinuousVestingAccount,
  DelayedVestingAccount,
  PeriodicVestingAccount,
  PermanentLockedAccount,
} from 'cosmjs-types/cosmos/vesting/v1beta1/vesting'
import type { Any } from 'cosmjs-types/google/protobuf/any'
import { EndpointProblem } from '../endpoints/EndpointProblem.ts'
import { abciQuery } from './abciQuery.ts'
import type { CometNode } from './cometNode.ts'

export type ChainAccount =
  | {
      readonly kind: 'found'
      readonly accountNumber: bigint
      /** The next one, by the newest block: what waits in the mempool is not counted. */
      readonly sequence: bigint
    }
  | { readonly kind: 'absent' }
  /** Of a kind that the chain invented. */
  | { readonly kind: 'foreign' }

/** @throws EndpointProblem */
export async function readAccount(
  node: CometNode,
  address: string,
  signal: AbortSignal,
): Promise<ChainAccount> {
  const request = QueryAccountRequest.encode({ address }).finish()
  const answer = await abciQuery(node, '/cosmos.auth.v1beta1.Query/Account', request, signal)
  if (answer === null) return { kind: 'absent' }
  const any = decodeAnswer(() => QueryAccountResponse.decode(answer).account)
  if (!any) throw unreadable()
  if (!knownKinds.has(any.typeUrl)) return { kind: 'foreign' }
  const account = decodeAnswer(() => baseAccountIn(any))
  if (account?.address !== address) throw new EndpointProblem('lied')
  return { kind: 'found', accountNumber: account.accountNumber, sequence: account.sequence }
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

const vestingAccounts = [
  ContinuousVestingAccount,
  DelayedVestingAccount,
  PeriodicVestingAccount,
  PermanentLockedAccount,
]
const knownKinds = new Set(
  [BaseAccount, ModuleAccount, BaseVestingAccount, ...vestingAccounts].map(({ typeUrl }) => typeUrl),
)

/** Accounts of other kinds wrap a BaseAccount. */
function baseAccountIn({ typeUrl, value }: Any): BaseAccount | undefined {
  if (typeUrl === BaseAccount.typeUrl) return BaseAccount.decode(value)
  if (typeUrl === ModuleAccount.typeUrl) return ModuleAccount.decode(value).baseAccount
  if (typeUrl === BaseVestingAccount.typeUrl) return BaseVestingAccount.decode(value).baseAccount
  const vesting = vestingAccounts.find((kind) => kind.typeUrl === typeUrl)
  return vesting?.decode(value).baseVestingAccount?.baseAccount
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

import { sha256 } from '@noble/hashes/sha2.js'
import { wireError } from '@veilcast/shared/errors'
import { type Fee, SignDoc } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import secp256k1 from 'secp256k1'
import type { Preflight } from '../ChainAdapter.ts'
import { accountOf, addressOf } from './account.ts'
import type { CosmosTx } from './decodeTx.ts'
import { hasExtensions, isProvable } from './isProvable.ts'
import { type ChainAccount, parseAmount } from './readAccount.ts'

export interface PreflightConfig {
  readonly cometChainId: string
  readonly bech32Prefix: string
}

/** Of one node now, or of what was read a moment ago. Both reject with EndpointProblem or ChainUnavailable. */
export interface AccountReads {
  account(address: string): Promise<ChainAccount>
  /** In the denomination's base unit. */
  balance(address: string, denom: string): Promise<bigint>
}

/** Coins of the fee that are compared with the balance. */
const maxFeeCoins = 4

/**
 * What a node's state says about the first signer, asked by address alone: the account is there, the signature is its
 * (SIGN_MODE_DIRECT), the sequence is its next one, and it can pay the fee. Keys other than secp256k1, and accounts or
 * extensions that a chain invented, are left to CheckTx: `ready`.
 *
 * The state is that of the newest block. While sequence n waits in the mempool, n + 1 is `early` with `expected` n:
 * whoever knows that n was handed over may send n + 1 to the same endpoint.
 *
 * @throws what the reads throw
 */
export async function preflight(
  reads: AccountReads,
  tx: CosmosTx,
  config: PreflightConfig,
): Promise<Preflight> {
  const signer = tx.authInfo.signerInfos[0]
  const address = signer?.publicKey && addressOf(accountOf(signer.publicKey), config.bech32Prefix)
  if (!signer || !address || hasExtensions(tx)) return { kind: 'ready' }

  const account = await reads.account(address)
  if (account.kind === 'foreign') return { kind: 'ready', unproven: true }
  // A chain opens an account when it receives its first coin or allowance: there is none that could pay.
  if (account.kind === 'absent') return refused('insufficientFunds')
  if (!signatureHolds(tx, config.cometChainId, account.accountNumber)) return refused('invalidSignature')

  const expected = account.sequence
  if (!tx.body.unordered && signer.sequence < expected) return { kind: 'used', expected }
  if (!(await canPay(reads, address, tx.authInfo.fee))) return refused('insufficientFunds')
  if (!tx.body.unordered && signer.sequence > expected) return { kind: 'early', expected }
  return { kind: 'ready' }
}

/** True, too, where that cannot be told here. */
function signatureHolds(tx: CosmosTx, chainId: string, accountNumber: bigint): boolean {
  const signer = tx.authInfo.signerInfos[0]
  const signature = tx.raw.signatures[0]
  if (!signer?.publicKey || !signature || !isProvable(tx)) return true
  const { bodyBytes, authInfoBytes } = tx.raw
  const signed = SignDoc.encode({ bodyBytes, authInfoBytes, chainId, accountNumber }).finish()
  return secp256k1.ecdsaVerify(signature, sha256(signed), accountOf(signer.publicKey))
}

/** True where another account pays, or the amounts are none that we can compare. */
async function canPay(reads: AccountReads, address: string, fee: Fee | undefined): Promise<boolean> {
  if (!fee || fee.granter || (fee.payer && fee.payer !== address)) return true
  for (const coin of fee.amount.slice(0, maxFeeCoins)) {
    const amount = parseAmount(coin.amount)
    if (!amount || !/^[a-zA-Z][a-zA-Z0-9/:._-]{2,127}$/.test(coin.denom)) continue
    if ((await reads.balance(address, coin.denom)) < amount) return false
  }
  return true
}

function refused(name: 'insufficientFunds' | 'invalidSignature'): Preflight {
  return { kind: 'refused', error: wireError(name) }
}

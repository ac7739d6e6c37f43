import { sha256 } from '@noble/hashes/sha2.js'
import { wireError } from '@veilcast/shared/errors'
import { toTxId } from '@veilcast/shared/protocol'
import { type SignerInfo, TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import secp256k1 from 'secp256k1'
import { type InspectedTx, TransactionRefused } from '../ChainAdapter.ts'
import { secp256k1KeyOf } from './account.ts'
import { type CosmosTx, decodeTx, slotOf } from './decodeTx.ts'
import { isProvable } from './isProvable.ts'

export interface InspectLimits {
  readonly maxTransactionBytes: number
  readonly maxSigners: number
}

/**
 * Parses hostile bytes as TxRaw. Canonical means ADR-027 of the SDK: TxRaw itself has one encoding only; body and
 * authInfo are what was signed and stay as they are. Neither the chain id nor the account number is in them, so the
 * signature is checked in preflight.
 *
 * @throws TransactionRefused
 */
export function inspect(signedTx: Uint8Array, limits: InspectLimits): InspectedTx {
  if (signedTx.length > limits.maxTransactionBytes) {
    throw new TransactionRefused(
      wireError('transactionTooLarge', {
        limitBytes: limits.maxTransactionBytes,
        sizeBytes: signedTx.length,
      }),
    )
  }
  const tx = decode(signedTx)
  if (!sameBytes(TxRaw.encode(tx.raw).finish(), signedTx)) throw refused('nonCanonicalTransaction')
  checkSigners(tx, limits.maxSigners)
  const slot = slotOf(tx)
  return {
    txId: toTxId(sha256(signedTx)),
    signedTx,
    account: slot?.account,
    sequence: slot?.sequence,
    signer: isProvable(tx) ? 'provable' : 'claimed',
    parsed: tx,
  }
}

function decode(signedTx: Uint8Array): CosmosTx {
  let tx: CosmosTx
  try {
    tx = decodeTx(signedTx)
  } catch {
    throw refused('malformedTransaction')
  }
  if (tx.body.messages.length === 0 || !tx.authInfo.fee || tx.authInfo.signerInfos.length === 0) {
    throw refused('malformedTransaction')
  }
  return tx
}

function checkSigners({ raw, authInfo }: CosmosTx, maxSigners: number): void {
  const { signerInfos } = authInfo
  if (signerInfos.length > maxSigners) {
    throw new TransactionRefused(wireError('tooManySigners', { limit: maxSigners, got: signerInfos.length }))
  }
  const plausible =
    raw.signatures.length === signerInfos.length &&
    signerInfos.every((signer, index) => isPlausible(signer, raw.signatures[index]?.length ?? 0))
  if (!plausible) throw refused('invalidSignature')
}

/** A secp256k1 key lies on the curve and signs in 64 bytes; of other kinds we know only that a signature is not empty. */
function isPlausible(signer: SignerInfo, signatureBytes: number): boolean {
  if (signatureBytes === 0 || !signer.modeInfo) return false
  if (!signer.publicKey) return true
  try {
    const key = secp256k1KeyOf(signer.publicKey)
    if (!key) return true
    return key.length === 33 && signatureBytes === 64 && secp256k1.publicKeyVerify(key)
  } catch {
    return false
  }
}

function refused(name: 'malformedTransaction' | 'nonCanonicalTransaction' | 'invalidSignature') {
  return new TransactionRefused(wireError(name))
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

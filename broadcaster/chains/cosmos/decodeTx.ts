import { AuthInfo, type SignerInfo, TxBody, TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import { accountOf } from './account.ts'

/** A transaction as it was signed: what it says, and the very bytes that say it. */
export interface CosmosTx {
  readonly raw: TxRaw
  readonly body: TxBody
  readonly authInfo: AuthInfo
}

/** Who signed first, and with which sequence. */
export interface SignerSlot {
  readonly account: Uint8Array
  readonly sequence: bigint
}

/** @throws Error of any kind where the bytes are no TxRaw, or hold no TxBody or AuthInfo */
export function decodeTx(bytes: Uint8Array): CosmosTx {
  const raw = TxRaw.decode(bytes)
  return { raw, body: TxBody.decode(raw.bodyBytes), authInfo: AuthInfo.decode(raw.authInfoBytes) }
}

/** Undefined where order does not matter (unordered, SDK 0.53) or the transaction does not tell the signer's key. */
export function slotOf({ body, authInfo }: CosmosTx): SignerSlot | undefined {
  const signer: SignerInfo | undefined = authInfo.signerInfos[0]
  if (body.unordered || !signer?.publicKey) return undefined
  return { account: accountOf(signer.publicKey), sequence: signer.sequence }
}

/** Undefined also for what is no TxRaw: not all that a chain puts into its blocks is one, as vote extensions are not. */
export function readSlot(bytes: Uint8Array): SignerSlot | undefined {
  try {
    return slotOf(decodeTx(bytes))
  } catch {
    return undefined
  }
}

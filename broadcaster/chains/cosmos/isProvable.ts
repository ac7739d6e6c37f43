import { SignMode } from 'cosmjs-types/cosmos/tx/signing/v1beta1/signing'
import { secp256k1KeyOf } from './account.ts'
import type { CosmosTx } from './decodeTx.ts'

/**
 * Whether the first signer's account, once it is read, tells if it has signed: a secp256k1 key in SIGN_MODE_DIRECT, and no
 * extension. Of any other transaction only a node can say.
 */
export function isProvable(tx: CosmosTx): boolean {
  const signer = tx.authInfo.signerInfos[0]
  if (!signer?.publicKey || hasExtensions(tx)) return false
  return (
    secp256k1KeyOf(signer.publicKey) !== undefined &&
    signer.modeInfo?.single?.mode === SignMode.SIGN_MODE_DIRECT
  )
}

/** Authenticators and the like: the key that signs need not be the one that pays. */
export function hasExtensions({ body }: CosmosTx): boolean {
  return body.extensionOptions.length + body.nonCriticalExtensionOptions.length > 0
}

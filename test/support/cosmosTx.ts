import { ripemd160 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bech32 } from '@scure/base'
import { MsgSend } from 'cosmjs-types/cosmos/bank/v1beta1/tx'
import { PubKey } from 'cosmjs-types/cosmos/crypto/secp256k1/keys'
import { SignMode } from 'cosmjs-types/cosmos/tx/signing/v1beta1/signing'
import {
  AuthInfo,
  type Fee,
  SignDoc,
  type SignerInfo,
  TxBody,
  TxRaw,
} from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import secp256k1 from 'secp256k1'

/** One key, signed with by hand: whatever a hostile wallet could sign can be made with it. */
export class CosmosKey {
  readonly secret: Uint8Array
  readonly publicKey: Uint8Array
  readonly address: string

  constructor(seed: string) {
    this.secret = sha256(Buffer.from(seed))
    this.publicKey = secp256k1.publicKeyCreate(this.secret)
    this.address = bech32.encodeFromBytes('cosmos', ripemd160(sha256(this.publicKey)))
  }

  sign(bytes: Uint8Array): Uint8Array {
    return secp256k1.ecdsaSign(sha256(bytes), this.secret).signature
  }
}

export interface SignedParts {
  readonly key: CosmosKey
  readonly chainId?: string
  readonly accountNumber?: bigint
  readonly sequence?: bigint
  readonly body?: Partial<TxBody>
  readonly fee?: Partial<Fee>
  readonly signer?: Partial<SignerInfo>
  readonly mode?: SignMode
  /** Leaves the public key out, as an account may that the chain knows. */
  readonly keyless?: boolean
}

/** A MsgSend in SIGN_MODE_DIRECT, with anything replaced that is given. */
export function signCosmosTx(parts: SignedParts): TxRaw {
  const { key, chainId = 'fake-1', accountNumber = 7n, sequence = 0n } = parts
  const send = MsgSend.fromPartial({
    fromAddress: key.address,
    toAddress: key.address,
    amount: [{ denom: 'stake', amount: '1' }],
  })
  const bodyBytes = TxBody.encode(
    TxBody.fromPartial({
      messages: [{ typeUrl: MsgSend.typeUrl, value: MsgSend.encode(send).finish() }],
      ...parts.body,
    }),
  ).finish()
  const publicKey = { typeUrl: PubKey.typeUrl, value: PubKey.encode({ key: key.publicKey }).finish() }
  const authInfoBytes = AuthInfo.encode(
    AuthInfo.fromPartial({
      signerInfos: [
        {
          ...(!parts.keyless && { publicKey }),
          modeInfo: { single: { mode: parts.mode ?? SignMode.SIGN_MODE_DIRECT } },
          sequence,
          ...parts.signer,
        },
      ],
      fee: { amount: [{ denom: 'stake', amount: '500' }], gasLimit: 100_000n, ...parts.fee },
    }),
  ).finish()
  const doc = SignDoc.encode({ bodyBytes, authInfoBytes, chainId, accountNumber }).finish()
  return { bodyBytes, authInfoBytes, signatures: [key.sign(doc)] }
}

export function txBytes(raw: TxRaw): Uint8Array {
  return TxRaw.encode(raw).finish()
}

export function txHash(bytes: Uint8Array): string {
  return Buffer.from(sha256(bytes)).toString('hex')
}

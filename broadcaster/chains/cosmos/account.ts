import { ripemd160 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { bech32 } from '@scure/base'
import { PubKey } from 'cosmjs-types/cosmos/crypto/secp256k1/keys'
import type { Any } from 'cosmjs-types/google/protobuf/any'

/**
 * An account is named by its public key. secp256k1: the 33 bytes of the compressed key. Any other kind: a zero byte, the
 * type URL, a zero byte, the key's message; such an account has an order of its own, and no address that we can derive.
 */
export function accountOf(publicKey: Any): Uint8Array {
  const key = secp256k1KeyOf(publicKey)
  if (key?.length === compressedKeyBytes) return key
  return concatBytes(zero, utf8ToBytes(publicKey.typeUrl), zero, publicKey.value)
}

/** The key's bytes, unchecked, or undefined where it is of another kind. */
export function secp256k1KeyOf(publicKey: Any): Uint8Array | undefined {
  if (publicKey.typeUrl !== PubKey.typeUrl) return undefined
  return PubKey.decode(publicKey.value).key
}

/** The account's address: bech32 of RIPEMD-160 of SHA-256 of its key; undefined unless it is a secp256k1 key. */
export function addressOf(account: Uint8Array, bech32Prefix: string): string | undefined {
  if (account.length !== compressedKeyBytes || (account[0] !== 2 && account[0] !== 3)) return undefined
  return bech32.encodeFromBytes(bech32Prefix, ripemd160(sha256(account)))
}

const compressedKeyBytes = 33
const zero = Uint8Array.of(0)

import { DirectSecp256k1HdWallet, DirectSecp256k1Wallet } from '@cosmjs/proto-signing'
import { hexToBytes } from 'viem'
import { mnemonicToAccount, privateKeyToAccount } from 'viem/accounts'
import { KeyError, type Keys } from './Keys.ts'

const wordCounts = [12, 15, 18, 21, 24]

/** One spelling for one secret: words in lower case with single spaces, a key as 0x and lower case. */
export function normaliseSecret(text: string): string {
  const trimmed = text.trim().toLowerCase().replace(/\s+/g, ' ')
  return /^[0-9a-f]{64}$/.test(trimmed) ? `0x${trimmed}` : trimmed
}

/**
 * A recovery phrase by BIP-39 and BIP-44, which gives each family its own key (m/44'/60'/0'/0/0 and m/44'/118'/0'/0/0), or a private key, which is both families'.
 *
 * @throws KeyError
 */
export async function readKeys(text: string): Promise<Keys> {
  const secret = normaliseSecret(text)
  if (secret === '') throw new KeyError('Enter a recovery phrase or a private key.')
  if (/^0x/.test(secret) || !/[^0-9a-f]/.test(secret)) return readPrivateKey(secret)
  const words = secret.split(' ')
  if (!wordCounts.includes(words.length)) {
    throw new KeyError(
      words.length === 1
        ? 'This is neither a recovery phrase nor a private key in hex.'
        : `A recovery phrase has 12 or 24 words; this has ${words.length}.`,
    )
  }
  // viem takes any words; this one checks the list and the checksum.
  const cosmos = (prefix: string) => DirectSecp256k1HdWallet.fromMnemonic(secret, { prefix })
  await cosmos('cosmos').catch(() => {
    throw new KeyError('A word is misspelt or out of order: the checksum of this phrase does not fit.')
  })
  return { evm: mnemonicToAccount(secret), cosmos }
}

function readPrivateKey(secret: string): Keys {
  if (!/^0x[0-9a-f]{64}$/.test(secret)) {
    throw new KeyError('A private key has 64 hex digits, with or without 0x.')
  }
  try {
    const key = secret as `0x${string}`
    return {
      evm: privateKeyToAccount(key),
      cosmos: (prefix) => DirectSecp256k1Wallet.fromKey(hexToBytes(key), prefix),
    }
  } catch {
    throw new KeyError('This number is no private key.')
  }
}

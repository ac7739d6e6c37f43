import { english, generateMnemonic } from 'viem/accounts'

/** Twelve new words: 128 bits from the browser's own source. */
export function newPhrase(): string {
  return generateMnemonic(english)
}

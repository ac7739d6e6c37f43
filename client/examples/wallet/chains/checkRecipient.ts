import { fromBech32 } from '@cosmjs/encoding'
import { isAddress } from 'viem'
import type { ChainConfig } from '../config/WalletConfig.ts'

/** BIP-173. CosmJS 0.39 has no limit by default, which its own bech32 refuses. */
const maxBech32Length = 90

/** Why nothing should be sent there, or undefined. */
export function checkRecipient(config: ChainConfig, text: string): string | undefined {
  if (text === '') return 'Say to whom.'
  if (config.family === 'evm') {
    if (!/^0x[0-9a-fA-F]{40}$/.test(text)) return `An address on ${config.name} is 0x and 40 hex digits.`
    if (!isAddress(text)) return 'The checksum of this address does not fit: a character is wrong.'
    if (/^0x0{40}$/.test(text)) return 'Nobody has the key of this address: what is sent there is lost.'
    return undefined
  }
  try {
    const { prefix, data } = fromBech32(text, maxBech32Length)
    if (prefix !== config.bech32Prefix) {
      return `This address is of another chain: here they begin with ${config.bech32Prefix}1.`
    }
    return data.length === 20 || data.length === 32 ? undefined : 'This address has a wrong length.'
  } catch {
    return text.startsWith(`${config.bech32Prefix}1`)
      ? 'The checksum of this address does not fit: a character is wrong.'
      : `An address on ${config.name} begins with ${config.bech32Prefix}1.`
  }
}

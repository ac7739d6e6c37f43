import { base58 } from '@scure/base'
import { type MixnetAddress, MixnetError } from './Mixnet.ts'

/**
 * Checks the form of a Nym recipient: three base58 keys of 32 bytes as `identity.encryption@gateway`.
 * @throws MixnetError `badAddress`, naming the part that is wrong and never its value
 */
export function parseAddress(text: string): MixnetAddress {
  const match = /^([^.@]{1,64})\.([^.@]{1,64})@([^.@]{1,64})$/.exec(text)
  if (!match)
    throw new MixnetError('badAddress', 'A Nym address reads <identity>.<encryption key>@<gateway>.')
  for (const [part, name] of [
    [match[1], 'identity'],
    [match[2], 'encryption key'],
    [match[3], 'gateway'],
  ] as const) {
    if (!isKey(part ?? ''))
      throw new MixnetError('badAddress', `The ${name} in a Nym address is 32 bytes of base58.`)
  }
  return text as MixnetAddress
}

function isKey(text: string): boolean {
  try {
    return base58.decode(text).length === 32
  } catch {
    return false
  }
}

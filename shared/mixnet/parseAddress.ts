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

const base58Digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Whether it is base58 of 32 bytes: leading 1s stand for bytes of zero, the rest is one number. */
function isKey(text: string): boolean {
  let number = 0n
  for (const char of text) {
    const digit = base58Digits.indexOf(char)
    if (digit < 0) return false
    number = number * 58n + BigInt(digit)
  }
  const zeros = text.length - text.replace(/^1+/, '').length
  const bytes = number === 0n ? 0 : Math.ceil(number.toString(16).length / 2)
  return zeros + bytes === 32
}

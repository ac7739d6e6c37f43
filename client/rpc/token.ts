import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { VeilcastError } from '@veilcast/shared/errors'

const form = /^[A-Za-z0-9_-]{16,256}$/

/** 256 random bits, in a form that fits a path. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * Tells in constant time whether a text is the token.
 * @throws VeilcastError `invalidArgument`, without the token
 */
export function tokenCheck(token: string): (shown: string) => boolean {
  if (!form.test(token)) {
    throw new VeilcastError('invalidArgument', {
      details: 'The token has 16 to 256 letters, digits, - or _.',
    })
  }
  const expected = digest(token)
  return (shown) => timingSafeEqual(digest(shown), expected)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

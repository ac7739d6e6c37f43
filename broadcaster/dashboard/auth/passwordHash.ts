import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** Kept as `scrypt$<log2 N>$<r>$<p>$<salt>$<key>`, the last two in base64 for URLs. The cost is that of OWASP's list: 32 MiB, three times. */

const log2N = 15
const blockSize = 8
const parallel = 3
const saltBytes = 16
const keyBytes = 32

export const minPasswordChars = 12
/** Longer ones are cut nowhere: they are wrong. */
export const maxPasswordChars = 1_024

export const passwordHashPattern =
  /^scrypt\$(1[4-8])\$(8)\$([1-4])\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})$/

/** @throws RangeError in words for the operator, where the password is too short or too long */
export async function hashPassword(password: string): Promise<string> {
  const { length } = password
  if (length < minPasswordChars || length > maxPasswordChars) {
    throw new RangeError(
      `The password has ${length} characters: choose ${minPasswordChars} to ${maxPasswordChars}.`,
    )
  }
  const salt = randomBytes(saltBytes)
  const key = await derive(password, salt, log2N, blockSize, parallel)
  return ['scrypt', log2N, blockSize, parallel, text(salt), text(key)].join('$')
}

/** Takes equally long, and as much memory, whatever the password. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const parts = passwordHashPattern.exec(hash)
  if (!parts) throw new RangeError('This is no hash of a password.')
  const [, n, r, p, salt = '', key = ''] = parts
  const wanted = Buffer.from(key, 'base64url')
  const got = await derive(password, Buffer.from(salt, 'base64url'), Number(n), Number(r), Number(p))
  return timingSafeEqual(got, wanted)
}

function derive(password: string, salt: Buffer, logN: number, r: number, p: number): Promise<Buffer> {
  const N = 2 ** logN
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, keyBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

function text(bytes: Buffer): string {
  return bytes.toString('base64url')
}

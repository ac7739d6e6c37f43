import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { toBech32 } from '@cosmjs/encoding'
import { describe, expect, it } from '@jest/globals'
import { base58 } from '@scure/base'
import { getAddress, toHex } from 'viem'
import { findSecrets, piecesOf, textNeedle } from '../support/findSecrets.ts'

const account = new Uint8Array(randomBytes(20))
const hash = new Uint8Array(randomBytes(32))
const tag = new Uint8Array(randomBytes(16))
const apiKey = `Key/${randomBytes(9).toString('base64')}"\\é`.replace('é', 'e')
const rawTx = new Uint8Array(randomBytes(180))

const needles = [
  { name: 'account', bytes: account },
  { name: 'hash', bytes: hash },
  { name: 'tag', bytes: tag },
  textNeedle('key', apiKey),
  ...piecesOf({ name: 'rawTx', bytes: rawTx }),
]

/** Somewhere in noise, at any place of a group of three. */
function buried(what: string | Uint8Array, shift: number): Uint8Array {
  return Buffer.concat([randomBytes(20_000 + shift), Buffer.from(what as string), randomBytes(20_000)])
}

/** As it is written by what writes it in earnest, none of it ours. */
const plants: [string, string, () => string | Uint8Array][] = [
  ['raw bytes', 'account', () => account],
  ['hex', 'hash', () => Buffer.from(hash).toString('hex')],
  ['hex in capitals', 'hash', () => Buffer.from(hash).toString('hex').toUpperCase()],
  ['an EVM address with its checksum', 'account', () => getAddress(toHex(account))],
  ['a Cosmos address', 'account', () => toBech32('cosmos', account)],
  ['an address of a validator', 'account', () => toBech32('cosmosvaloper', account)],
  ['base58', 'tag', () => base58.encode(tag)],
  ['base64', 'hash', () => Buffer.from(hash).toString('base64')],
  ['base64 for URLs', 'hash', () => Buffer.from(hash).toString('base64url')],
  [
    'base64 in the midst of more',
    'hash',
    () => Buffer.concat([randomBytes(7), hash, randomBytes(5)]).toString('base64'),
  ],
  ['an inspected Buffer', 'tag', () => inspect(Buffer.from(tag))],
  [
    'an inspected Uint8Array',
    'tag',
    () => inspect(tag, { breakLength: Number.POSITIVE_INFINITY, compact: true }),
  ],
  ['JSON of a Buffer', 'hash', () => JSON.stringify(Buffer.from(hash))],
  ['JSON of a Uint8Array', 'hash', () => JSON.stringify(hash)],
  ['a number', 'hash', () => BigInt(toHex(hash)).toString()],
  ['hex in a bytea in a dump', 'hash', () => `\\x${Buffer.from(toHex(hash)).toString('hex')}`],
  ['an error in base64', 'account', () => Buffer.from(`{"from":"${toHex(account)}"}`).toString('base64')],
  ['text', 'key', () => `GET /${apiKey} HTTP/1.1`],
  ['text in JSON', 'key', () => JSON.stringify({ url: apiKey })],
  ['text in an URL', 'key', () => new URLSearchParams({ key: apiKey }).toString().replaceAll('+', '%20')],
  ['text in base64', 'key', () => `Basic ${Buffer.from(`me:${apiKey}`).toString('base64')}`],
  ['text in UTF-16', 'key', () => Buffer.from(apiKey, 'utf16le')],
  [
    '23 bytes out of a transaction, in hex',
    'rawTx',
    () => Buffer.from(rawTx.subarray(61, 84)).toString('hex'),
  ],
  [
    '26 bytes out of a transaction, in base64',
    'rawTx',
    () => Buffer.from(rawTx.subarray(100, 126)).toString('base64'),
  ],
]

describe('the search for secrets', () => {
  it('finds none where there is none', () => {
    const haystacks = [0, 1, 2].map((shift) => ({ name: `${shift}`, bytes: buried('nothing', shift) }))
    expect(findSecrets(needles, haystacks)).toEqual([])
  })

  it.each(plants)('finds %s', (_, needle, plant) => {
    for (const shift of [0, 1, 2]) {
      const found = findSecrets(needles, [{ name: 'planted', bytes: buried(plant(), shift) }])
      expect(found[0]?.needle).toContain(needle)
    }
  })

  it('finds each in one pass over many', () => {
    const haystacks = plants.map(([name, , plant], index) => ({ name, bytes: buried(plant(), index) }))
    const found = new Set(findSecrets(needles, haystacks).map(({ haystack }) => haystack))
    expect([...found].sort()).toEqual(plants.map(([name]) => name).sort())
  })

  it('refuses a needle that would be found everywhere', () => {
    expect(() => findSecrets([textNeedle('short', 'abc')], [])).toThrow(RangeError)
  })
})

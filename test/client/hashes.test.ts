import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { keccak256 } from '../../client/dist/hashes/keccak256.js'
import { sha256 } from '../../client/dist/hashes/sha256.js'

const openssl = (message: Uint8Array) => createHash('sha256').update(message).digest('hex')
/** Every place that the padding can fall at, in the first blocks. */
const lengths = Array.from({ length: 300 }, (_, length) => length)
const filled = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 0xff)

describe('sha256', () => {
  it('default: the examples of FIPS 180-4', () => {
    expect(bytesToHex(sha256(utf8ToBytes('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
    expect(bytesToHex(sha256(new Uint8Array(0)))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    expect(bytesToHex(sha256(new Uint8Array(1_000_000).fill(0x61)))).toBe(
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    )
  })

  it('behavior: what OpenSSL gives, of any length', () => {
    for (const length of lengths) expect(bytesToHex(sha256(filled(length)))).toBe(openssl(filled(length)))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (message) => {
        expect(bytesToHex(sha256(message))).toBe(openssl(message))
      }),
      { numRuns: 300 },
    )
  })
})

describe('keccak256', () => {
  it("default: Ethereum's hash of nothing, and of a word", () => {
    expect(bytesToHex(keccak256(new Uint8Array(0)))).toBe(
      'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    )
    expect(bytesToHex(keccak256(utf8ToBytes('transfer(address,uint256)'))).slice(0, 8)).toBe('a9059cbb')
  })

  it('behavior: what @noble/hashes gives, of any length', () => {
    for (const length of lengths) expect(keccak256(filled(length))).toEqual(keccak_256(filled(length)))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (message) => {
        expect(keccak256(message)).toEqual(keccak_256(message))
      }),
      { numRuns: 300 },
    )
  })

  it('behavior: bytes that lie inside a longer buffer, and a Buffer', () => {
    const around = filled(200)
    const inside = around.subarray(3, 100)
    expect(keccak256(inside)).toEqual(keccak_256(inside))
    expect(keccak256(Buffer.from(inside))).toEqual(keccak_256(inside))
    expect(bytesToHex(sha256(Buffer.from(inside)))).toBe(openssl(inside))
  })
})

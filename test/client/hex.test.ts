import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { concatBytes } from '../../client/dist/concatBytes.js'
import { bytesToHex, hexToBytes } from '../../client/dist/hex.js'

describe('hex', () => {
  it("default: what Node's Buffer says, both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex')
        expect(bytesToHex(bytes)).toBe(hex)
        expect(hexToBytes(hex)).toEqual(bytes)
        expect(hexToBytes(hex.toUpperCase())).toEqual(bytes)
      }),
    )
  })

  it.each(['0', '0x00', 'zz', ' 1', '1 ', '+1', '-1', '00\n', '0٣'])(
    'error: %j is none, and is not repeated',
    (text) => {
      expect(() => hexToBytes(text)).toThrow(new RangeError('These are no pairs of hex digits.'))
    },
  )
})

describe('concatBytes', () => {
  it('default: one after the other, in an array of its own', () => {
    const first = Uint8Array.of(1, 2)
    const all = concatBytes(first, new Uint8Array(0), Uint8Array.of(3))
    first[0] = 9
    expect(all).toEqual(Uint8Array.of(1, 2, 3))
    expect(concatBytes()).toEqual(new Uint8Array(0))
  })
})

import { describe, expect, it } from '@jest/globals'
import { base58 } from '@scure/base'
import { MixnetError, parseAddress } from '@veilcast/shared/mixnet'
import fc from 'fast-check'

const some = base58.encode(new Uint8Array(32).fill(7))

function isKey(text: string): boolean {
  try {
    parseAddress(`${text}.${some}@${some}`)
    return true
  } catch (error) {
    if (!(error instanceof MixnetError)) throw error
    return false
  }
}

function isKeyToScure(text: string): boolean {
  try {
    return base58.decode(text).length === 32
  } catch {
    return false
  }
}

describe('parseAddress', () => {
  it('default: takes 32 bytes of base58, those with zeros in front too', () => {
    for (const bytes of [
      new Uint8Array(32),
      new Uint8Array(32).fill(255),
      Uint8Array.of(...Array(31).fill(0), 1),
    ]) {
      expect(isKey(base58.encode(bytes))).toBe(true)
    }
  })

  it('judges as another implementation does: bytes of any length', () => {
    fc.assert(
      fc.property(fc.nat({ max: 3 }), fc.uint8Array({ minLength: 28, maxLength: 34 }), (zeros, rest) => {
        const text = base58.encode(Uint8Array.of(...Array(zeros).fill(0), ...rest))
        expect(isKey(text)).toBe(zeros + rest.length === 32)
      }),
      { numRuns: 500 },
    )
  })

  it('judges as another implementation does: any text', () => {
    const char = fc.oneof(
      { weight: 200, arbitrary: fc.constantFrom(...'123456789ABCabcz') },
      fc.constantFrom(...'0OIl é'),
    )
    const text = fc.string({ unit: char, minLength: 1, maxLength: 64 })
    fc.assert(
      fc.property(text, (any) => expect(isKey(any)).toBe(isKeyToScure(any))),
      { numRuns: 1000 },
    )
  })
})

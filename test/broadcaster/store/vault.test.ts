import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { parseChainId, toRequestId } from '@veilcast/shared/protocol'
import fc from 'fast-check'
import { createVault, type TxKey } from '../../../broadcaster/dist/store/index.js'

const chain = parseChainId('eip155:1')
const otherChain = parseChainId('eip155:10')
const tx = Uint8Array.of(2, 248, 113)
const key = 'k'.repeat(26) as TxKey
const otherKey = 'o'.repeat(26) as TxKey

describe('vault', () => {
  const secret = new Uint8Array(32).fill(5)
  const vault = createVault(secret)

  it('names a transaction the same after a restart, and for nobody without the key file', () => {
    expect(vault.keyOf(chain, tx)).toMatch(/^[a-z2-7]{26}$/)
    expect(createVault(secret).keyOf(chain, tx)).toBe(vault.keyOf(chain, tx))
    expect(createVault(new Uint8Array(32).fill(6)).keyOf(chain, tx)).not.toBe(vault.keyOf(chain, tx))
  })

  it('hides a number of a lane: neighbours stay neighbours, and no two lanes shift alike', () => {
    const [lane, otherLane] = [vault.laneMac(chain, tx), vault.laneMac(otherChain, tx)]
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (sequence) => {
        const hidden = vault.hideSequence(lane, sequence)
        expect(vault.showSequence(lane, hidden)).toBe(sequence)
        expect(hidden).not.toBe(sequence)
        expect(hidden).not.toBe(vault.hideSequence(otherLane, sequence))
        expect(vault.hideSequence(lane, sequence + 1n)).toBe(BigInt.asUintN(64, hidden + 1n))
      }),
    )
  })

  it('keeps its names: stores written today are read tomorrow', () => {
    expect(vault.keyOf(chain, tx)).toMatchInlineSnapshot(`"j6feixy2fbs6xxm6zbgcgtto7u"`)
    expect(vault.txIdMac(chain, tx)).toMatchInlineSnapshot(`"appmmsy2g743fserjaeo7kko5m"`)
    expect(vault.laneMac(chain, tx)).toMatchInlineSnapshot(`"j4k3x4dfhy2dkd6hovvs4yzkb4"`)
    expect(vault.requestMac(toRequestId(new Uint8Array(16)))).toMatchInlineSnapshot(
      `"6555iywm5wixpd23qh7upsiq6q"`,
    )
    expect(vault.hideSequence(vault.laneMac(chain, tx), 7n)).toMatchInlineSnapshot(`827657900984491908n`)
  })

  it('gives one thing another name in each use and on each chain', () => {
    const names = [chain, otherChain].flatMap((id) => [
      vault.keyOf(id, tx),
      vault.txIdMac(id, tx),
      vault.laneMac(id, tx),
    ])
    expect(new Set(names).size).toBe(names.length)
  })

  it('opens what it sealed, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        expect(vault.open(vault.seal(bytes, key, 'bytes'), key, 'bytes')).toEqual(new Uint8Array(bytes))
      }),
    )
  })

  it('seals the same bytes differently each time', () => {
    expect(vault.seal(tx, key, 'bytes')).not.toEqual(vault.seal(tx, key, 'bytes'))
  })

  it('does not open what was moved, changed, cut or sealed by another', () => {
    const sealed = vault.seal(tx, key, 'bytes')
    expect(() => vault.open(sealed, otherKey, 'bytes')).toThrow()
    expect(() => vault.open(sealed, key, 'detail')).toThrow()
    expect(() => createVault(new Uint8Array(randomBytes(32))).open(sealed, key, 'bytes')).toThrow()
    expect(() => vault.open(sealed.subarray(0, 27), key, 'bytes')).toThrow(RangeError)
    for (let i = 0; i < sealed.length; i++) {
      const changed = Uint8Array.from(sealed)
      changed[i]! ^= 1
      expect(() => vault.open(changed, key, 'bytes')).toThrow()
      expect(() => vault.open(sealed.subarray(0, i), key, 'bytes')).toThrow()
    }
  })

  it('takes no key of another length', () => {
    expect(() => createVault(new Uint8Array(31))).toThrow(RangeError)
  })
})

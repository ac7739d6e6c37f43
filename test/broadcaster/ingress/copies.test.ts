import { describe, expect, it } from '@jest/globals'
import type { SenderTag } from '@veilcast/shared/mixnet'
import { createCopies } from '../../../broadcaster/dist/ingress/copies.js'

const [alice, bob] = ['alice', 'bob'] as [SenderTag, SenderTag]
const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)]

describe('copies', () => {
  it('default: the same bytes of the same sender, within the window', () => {
    const copies = createCopies(2000)
    expect(copies.isCopy(alice, one, 0)).toBe(false)
    expect(copies.isCopy(alice, one, 1999)).toBe(true)
    expect(copies.isCopy(bob, one, 1999)).toBe(false)
    expect(copies.isCopy(alice, two, 1999)).toBe(false)
  })

  it('behavior: a repetition, which comes later, is none; and copies of it are', () => {
    const copies = createCopies(2000)
    expect(copies.isCopy(alice, one, 0)).toBe(false)
    expect(copies.isCopy(alice, one, 1500)).toBe(true)
    expect(copies.isCopy(alice, one, 2000)).toBe(false)
    expect(copies.isCopy(alice, one, 2100)).toBe(true)
  })

  it('behavior: under a flood the oldest are forgotten, so that memory is bounded', () => {
    const copies = createCopies(2000)
    copies.isCopy(alice, one, 0)
    for (let index = 0; index <= 20_000; index++) copies.isCopy(bob, new Uint8Array([index >> 8, index]), 1)
    expect(copies.isCopy(alice, one, 2)).toBe(false)
    expect(copies.isCopy(bob, new Uint8Array([20_000 >> 8, 20_000 & 255]), 2)).toBe(true)
  })
})

import { describe, expect, it } from '@jest/globals'
import { isChainId, newRequestId, parseChainId, toRequestId, toTxId } from '@veilcast/shared/protocol'
import { toHex } from '../../support/protocolVectors.ts'

describe('ids', () => {
  it('a request id is 16 bytes, another one each time', () => {
    const ids = Array.from({ length: 100 }, newRequestId)
    expect(new Set(ids.map(toHex)).size).toBe(100)
    expect(ids.every((id) => id.length === 16)).toBe(true)
  })

  it('behavior: other lengths are refused', () => {
    expect(() => toRequestId(new Uint8Array(15))).toThrow(RangeError)
    expect(() => toTxId(new Uint8Array(33))).toThrow(RangeError)
    expect(toTxId(new Uint8Array(32))).toHaveLength(32)
  })

  it.each(['eip155:1', 'cosmos:cosmoshub-4', 'abc:-', `abcdefgh:${'R'.repeat(32)}`])('takes %s', (text) => {
    expect(parseChainId(text)).toBe(text)
  })

  it.each([
    '',
    'eip155',
    'eip155:',
    ':1',
    'ei:1',
    'EIP155:1',
    'eip155:1\n',
    'eip155:1:2',
    `eip155:${'1'.repeat(33)}`,
  ])('refuses %j', (text) => {
    expect(isChainId(text)).toBe(false)
    expect(() => parseChainId(text)).toThrow(RangeError)
  })
})

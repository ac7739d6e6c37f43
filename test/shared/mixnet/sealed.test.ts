import { describe, expect, it } from '@jest/globals'
import { sealConfig, sealTraffic } from '../../../shared/dist/mixnet/link/sealedConfig.js'
import { readSenderTag } from '../../../shared/dist/mixnet/nymWasm/readSenderTag.js'

describe('sealed configuration', () => {
  it('default: protected, paced and covered', () => {
    expect(JSON.parse(JSON.stringify(sealConfig(sealTraffic({}, 'full')).override))).toEqual({
      traffic: {
        messageSendingAverageDelayMs: 20,
        disableMainPoissonPacketDistribution: false,
        useLegacySphinxFormat: false,
      },
      coverTraffic: { disableLoopCoverTrafficStream: false },
      acknowledgements: {},
      replySurbs: {
        maximumAllowedReplySurbRequestSize: 0,
        minimumReplySurbStorageThreshold: 0,
        freshSenderTags: false,
      },
      statsReporting: { enabled: false },
    })
    expect(sealTraffic({}, 'light').messageSendingAverageDelayMs).toBe(200)
  })

  it('behavior: a client that leaves one value unread is found out', () => {
    const { override, assertRead } = sealConfig(sealTraffic({}, 'full'))
    expect(assertRead).toThrow('useLegacySphinxFormat')
    const { replySurbs, ...others } = override as { replySurbs: Record<string, unknown> }
    JSON.stringify(others)
    void replySurbs.minimumReplySurbStorageThreshold
    void replySurbs.freshSenderTags
    expect(assertRead).toThrow('maximumAllowedReplySurbRequestSize')
    void replySurbs.maximumAllowedReplySurbRequestSize
    assertRead()
  })
})

describe('the sender tag in wasm memory', () => {
  const memory = (words: number[]) => {
    const view = new DataView(new ArrayBuffer(64))
    for (const [n, word] of words.entries()) view.setUint32(16 + 4 * n, word, true)
    for (let n = 0; n < 16; n += 1) view.setUint8(28 + n, 0xff)
    return view.buffer
  }

  it('default: 16 bytes behind one owner, no other and no borrow', () => {
    expect(readSenderTag(memory([1, 1, 0]), 24)).toBe('YcVfxkQb6JRzqk5kF2tNLv')
  })

  it.each([
    ['two owners', [2, 1, 0], 24],
    ['a weak one', [1, 2, 0], 24],
    ['a borrow', [1, 1, 1], 24],
    ['a null pointer', [1, 1, 0], 0],
    ['a pointer behind the end', [1, 1, 0], 48],
    ['no pointer', [1, 1, 0], Number.NaN],
  ])('behavior: refuses %s', (_, words, pointer) => {
    expect(() => readSenderTag(memory(words), pointer)).toThrow('another layout')
  })
})

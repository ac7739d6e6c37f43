import { describe, expect, it } from '@jest/globals'
import { parseChainId } from '@veilcast/shared/protocol'
import { ChainUnavailable } from '../../../broadcaster/dist/chains/ChainAdapter.js'
import { forEachLive } from '../../../broadcaster/dist/stages/forEachLive.js'
import { admitted, stageParts } from '../../support/stageParts.ts'
import { withEmbeddedStore } from '../../support/store.ts'

describe('forEachLive', () => {
  const store = withEmbeddedStore()
  const chain = parseChainId('eip155:31337')

  it('default: each live record once, over pages, a few at once', async () => {
    const parts = stageParts(store())
    const keys: string[] = []
    for (let count = 0; count < 300; count++) keys.push((await admitted(parts, chain)).key)
    const met: string[] = []
    let underWay = 0
    let most = 0
    await forEachLive(
      parts.records,
      chain,
      async ({ key }) => {
        most = Math.max(most, ++underWay)
        await new Promise(setImmediate)
        underWay--
        met.push(key)
      },
      { ...parts, atOnce: 5 },
    )
    expect(met.sort()).toEqual(keys.sort())
    expect(most).toBe(5)
  })

  it('behavior: one that cannot be worked on holds up none of the others; a chain that is away ends it', async () => {
    const parts = stageParts(store())
    for (let count = 0; count < 20; count++) await admitted(parts, chain)
    let met = 0
    const failing = (error: Error) => async () => {
      if (++met === 3) throw error
    }
    await forEachLive(parts.records, chain, failing(new Error('of another key')), { ...parts, atOnce: 1 })
    expect(met).toBe(20)
    met = 0
    const away = forEachLive(parts.records, chain, failing(new ChainUnavailable('')), { ...parts, atOnce: 1 })
    await expect(away).rejects.toBeInstanceOf(ChainUnavailable)
    expect(met).toBe(3)
  })
})

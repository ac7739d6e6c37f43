import { describe, expect, it } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import { parseChainId } from '@veilcast/shared/protocol'
import { meetIncarnation } from '../../../broadcaster/dist/stages/meetIncarnation.js'
import { stateOf } from '../../../broadcaster/dist/store/stateOf.js'
import { admitted, stageParts } from '../../support/stageParts.ts'
import { withEmbeddedStore } from '../../support/store.ts'

describe('a store of another life', () => {
  const store = withEmbeddedStore()
  const chain = parseChainId('eip155:31337')

  it('default: a record that nobody was shown may end as notSent', async () => {
    const parts = stageParts(store())
    const { records, settle, vault } = parts
    await meetIncarnation({ ...parts, chains: [chain] })
    const { key } = await admitted(parts, chain)
    await meetIncarnation({ ...parts, chains: [chain] })
    const record = (await records.get(key))!
    expect(record.exposedTo).toBeNull()
    const lapsed = (await settle.lapsed(record, wireError('lapsed')))!
    expect(stateOf(lapsed, vault, 'fsync')).toMatchObject({ stage: 'lapsed', error: { outcome: 'notSent' } })
  })

  it('behavior: nor does one end so in the time before somebody looks', async () => {
    const parts = stageParts(store())
    const { records, settle } = parts
    await meetIncarnation({ ...parts, chains: [chain] })
    const [first, second] = [await admitted(parts, chain), await admitted(parts, chain)]
    await store().markRestored()
    expect(await settle.lapsed(first, wireError('lapsed'))).toBeNull()
    expect(await settle.refused(second, wireError('insufficientFunds'))).toBeNull()
    for (const { key } of [first, second]) {
      expect(await records.get(key)).toMatchObject({ state: 'held', exposedTo: '*' })
    }
  })

  it('behavior: after data was put back no live record ends as notSent, nor as refused', async () => {
    const parts = stageParts(store())
    const { records, settle, vault } = parts
    await meetIncarnation({ ...parts, chains: [chain] })
    const [first, second] = [await admitted(parts, chain), await admitted(parts, chain)]
    await store().markRestored()
    const incarnation = await meetIncarnation({ ...parts, chains: [chain] })
    expect(await records.knownIncarnation()).toEqual(incarnation)

    const lapsing = (await records.get(first.key))!
    expect(lapsing).toMatchObject({ state: 'held', number: first.number + 1 })
    const lapsed = (await settle.lapsed(lapsing, wireError('lapsed')))!
    expect(stateOf(lapsed, vault, 'fsync')).toMatchObject({ stage: 'lapsed', error: { outcome: 'unknown' } })

    const refused = (await settle.refused((await records.get(second.key))!, wireError('insufficientFunds')))!
    expect(stateOf(refused, vault, 'fsync')).toMatchObject({
      stage: 'submitted',
      rejection: { number: 60, outcome: 'unknown' },
    })
  })
})

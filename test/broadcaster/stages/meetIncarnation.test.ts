import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { wireError } from '@veilcast/shared/errors'
import { newRequestId, parseChainId, toTxId } from '@veilcast/shared/protocol'
import { createLogger } from '../../../broadcaster/dist/observability/logger.js'
import { createMetrics } from '../../../broadcaster/dist/observability/metrics.js'
import { meetIncarnation } from '../../../broadcaster/dist/stages/meetIncarnation.js'
import { createSettle } from '../../../broadcaster/dist/stages/settle.js'
import { stateOf } from '../../../broadcaster/dist/store/stateOf.js'
import type { TxRecord, TxStore } from '../../../broadcaster/dist/store/TxStore.js'
import { createVault } from '../../../broadcaster/dist/store/vault.js'
import { withEmbeddedStore } from '../../support/store.ts'

describe('a store of another life', () => {
  const store = withEmbeddedStore()
  const chain = parseChainId('eip155:31337')
  const vault = createVault(randomBytes(32))

  async function admit(records: TxStore): Promise<TxRecord> {
    const signedTx = randomBytes(100)
    const key = vault.keyOf(chain, signedTx)
    const txId = toTxId(randomBytes(32))
    const { record } = await records.admit({
      key,
      chain,
      txIdMac: vault.txIdMac(chain, txId),
      laneMac: null,
      sequence: null,
      bytes: vault.seal(signedTx, key, 'bytes'),
      txId: vault.seal(txId, key, 'txId'),
      requestMac: vault.requestMac(newRequestId()),
      notAfterMs: Date.now() + 60_000,
      nowMs: Date.now(),
    })
    return record
  }

  function parts() {
    const { records } = store()
    const metrics = createMetrics()
    const settle = createSettle({ records, vault, retentionSeconds: 60, metrics, chains: new Map() })
    return {
      records,
      settle,
      chains: [chain],
      signal: new AbortController().signal,
      logger: createLogger('silent'),
    }
  }

  it('default: a record that nobody was shown may end as notSent', async () => {
    const { records, settle, ...rest } = parts()
    await meetIncarnation({ records, settle, ...rest })
    const { key } = await admit(records)
    await meetIncarnation({ records, settle, ...rest })
    const record = (await records.get(key))!
    expect(record.exposedTo).toBeNull()
    const lapsed = (await settle.lapsed(record, wireError('lapsed')))!
    expect(stateOf(lapsed, vault, 'fsync')).toMatchObject({ stage: 'lapsed', error: { outcome: 'notSent' } })
  })

  it('behavior: after data was put back no live record ends as notSent, nor as refused', async () => {
    const { records, settle, ...rest } = parts()
    await meetIncarnation({ records, settle, ...rest })
    const [first, second] = [await admit(records), await admit(records)]
    await store().markRestored()
    const incarnation = await meetIncarnation({ records, settle, ...rest })
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

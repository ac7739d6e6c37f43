import { describe, expect, it } from '@jest/globals'
import { keepUntilMs } from '../../../broadcaster/dist/store/keepUntil.js'
import type { Mac, TxRecord } from '../../../broadcaster/dist/store/TxStore.js'

const nowMs = 1_800_000_000_000
const hourMs = 3_600_000
const record = (more: Partial<TxRecord>): TxRecord =>
  ({
    exposedTo: null,
    notAfterMs: nowMs + 10 * 60_000,
    requestMacs: ['a' as Mac],
    ...more,
  }) as unknown as TxRecord

describe('keepUntilMs', () => {
  it('is the retention, for what was handed over, whatever its notAfter', () => {
    const exposed = record({ exposedTo: 'mine', notAfterMs: nowMs + 24 * hourMs })
    expect(keepUntilMs(exposed, 3600, nowMs)).toBe(nowMs + hourMs)
  })

  it('outlives every copy of the one message of what was not sent', () => {
    expect(keepUntilMs(record({}), 3600, nowMs)).toBe(nowMs + hourMs)
    expect(keepUntilMs(record({}), 60, nowMs)).toBe(nowMs + 11 * 60_000)
    expect(keepUntilMs(record({ notAfterMs: nowMs - hourMs }), 60, nowMs)).toBe(nowMs + 60_000)
  })

  it('and every copy that any of several messages can still have', () => {
    const asked = record({ requestMacs: ['a' as Mac, 'b' as Mac], notAfterMs: nowMs + 1000 })
    expect(keepUntilMs(asked, 3600, nowMs)).toBe(nowMs + 24 * hourMs + 60_000)
  })
})

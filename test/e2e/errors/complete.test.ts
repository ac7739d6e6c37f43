import { describe, expect, it } from '@jest/globals'
import { type ErrorRow as CatalogueRow, catalogue, type ErrorName } from '@veilcast/shared/errors'
import { cosmosRows } from './cosmos.rows.ts'
import { endpointRows } from './endpoints.rows.ts'
import type { ErrorRow } from './errorRow.ts'
import { evmRows } from './evm.rows.ts'
import { localRows } from './local.rows.ts'
import { wireRows } from './wire.rows.ts'

const rows: readonly ErrorRow<never>[] = [
  ...wireRows,
  ...localRows,
  ...evmRows,
  ...cosmosRows,
  ...endpointRows,
]
const names = Object.keys(catalogue) as ErrorName[]

describe('the catalogue', () => {
  it('has no error that no input provokes: it is dead, or a row is missing here', () => {
    const provoked = new Set(rows.map(({ error }) => error))
    expect(names.filter((name) => !provoked.has(name))).toEqual([])
  })

  it.each(names)('%s: says the same of what to do next wherever it is given', (name) => {
    const { retry, outcome }: CatalogueRow = catalogue[name]
    const given = rows.filter(({ error }) => error === name)
    for (const row of given) expect(row.retry).toBe(retry)
    expect(given.map((row) => row.outcome)).toContain(outcome)
  })

  it('says notSent of nothing that an endpoint was handed', () => {
    expect(rows.filter(({ outcome, handed }) => outcome === 'notSent' && handed)).toEqual([])
    expect(rows.filter(({ handed }) => handed).length).toBeGreaterThan(10)
  })
})

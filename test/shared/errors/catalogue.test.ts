import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { catalogue, type ErrorName, type ErrorRow, errorNameOf } from '@veilcast/shared/errors'
import { vectorsFolder } from '../../support/protocolVectors.ts'

interface KnownRow {
  readonly number: number
  readonly name: string
  readonly values: readonly string[]
  readonly code: number
}

const rows = Object.entries(catalogue) as [ErrorName, ErrorRow][]
const known: readonly KnownRow[] = JSON.parse(readFileSync(resolve(vectorsFolder, 'errors.json'), 'utf8'))

describe('catalogue', () => {
  it('default: numbers, names, values and codes are those that are published; a new row is added to errors.json', () => {
    const now = rows.map(([name, { number, values, rpcCode }]) => ({ number, name, values, code: rpcCode }))
    expect(now.sort((a, b) => a.number - b.number)).toEqual(known)
  })

  it('gives each number once, and finds its row', () => {
    expect(new Set(rows.map(([, { number }]) => number)).size).toBe(rows.length)
    for (const [name, { number }] of rows) expect(errorNameOf(number)).toBe(name)
    expect(errorNameOf(998)).toBeUndefined()
  })

  it.each(rows)('%s', (_name, row) => {
    // viem retries these by itself.
    expect([-1, -32603, -32005, -32007, 429]).not.toContain(row.rpcCode)
    expect(Number.isInteger(row.rpcCode)).toBe(true)
    expect(row.number).toBeGreaterThan(0)
    expect(row.number).toBeLessThanOrEqual(0xffff)
    expect(row.values.length).toBeLessThanOrEqual(4)
    expect(new Set([...row.values, 'label']).size).toBe(row.values.length + 1)
    const placeholders = [...`${row.text}${row.fix}`.matchAll(/\{(.*?)\}/g)].map(([, name]) => name)
    expect([...row.values, 'label']).toEqual(expect.arrayContaining(placeholders))
    for (const sentence of [row.text, row.fix]) expect(sentence).toMatch(/^[A-Z{n].*\.$/)
  })

  it("keeps the client's own apart: from 1000 on, so that the wire cannot speak for the client", () => {
    const own = rows.filter(([, { number }]) => number >= 1000).map(([name]) => name)
    expect(own.sort()).toEqual([
      'aborted',
      'abortedBeforeSending',
      'clientStopped',
      'feeAboveLimit',
      'invalidArgument',
      'journalUnavailable',
      'mixnetUnavailable',
      'notStarted',
      'replyTimeout',
      'tooManyPending',
    ])
  })

  it('tells nobody to sign again while it may still land, but with the same nonce or sequence or after asking', () => {
    const unsafe = rows.filter(
      ([, { outcome, fix }]) =>
        outcome === 'unknown' && /\bsign\b/i.test(fix) && !/same nonce|sequence|status/.test(fix),
    )
    expect(unsafe).toEqual([])
  })

  it('tells nobody to sign the next nonce or sequence without asking whether this one may still land', () => {
    const unsafe = rows.filter(
      ([, { outcome, fix }]) => outcome !== 'onChain' && /next/.test(fix) && !/outcome is notSent/.test(fix),
    )
    expect(unsafe).toEqual([])
  })

  it('is what docs/errors.md says', () => {
    const root = resolve(__dirname, '../../..')
    const run = spawnSync(process.execPath, ['infra/docs/writeErrors.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(run).toMatchObject({ stderr: '', status: 0 })
  })

  it('has an anchor in docs/errors.md for every docsPath', () => {
    const page = readFileSync(resolve(__dirname, '../../../docs/errors.md'), 'utf8')
    const headings = page.match(/(?<=^### ).*$/gm)
    expect(headings?.sort()).toEqual(rows.map(([name]) => name).sort())
  })
})

import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type ChainId, parseChainId } from '@veilcast/shared/protocol'
import pg from 'pg'
import { createVault, openPostgresStore, type Store } from '../../../broadcaster/dist/store/index.js'
import { exportStore } from '../../../broadcaster/dist/transfer/exportStore.js'
import { importStore } from '../../../broadcaster/dist/transfer/importStore.js'
import { moveStore } from '../../../broadcaster/dist/transfer/moveStore.js'
import { makeFolder } from '../../support/path.ts'
import { startPostgres } from '../../support/store.ts'

const limitMs = 60_000
const chain: ChainId = parseChainId('eip155:1')
const vault = createVault(randomBytes(32))
const signal = new AbortController().signal
const quiet = { force: false, signal, onProgress: () => {} }

describe('what a store holds', () => {
  let server: Awaited<ReturnType<typeof startPostgres>>
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let file: string
  let source: Store
  let target: Store
  let databases = 0

  beforeAll(async () => {
    server = await startPostgres()
  }, limitMs)
  afterAll(() => server?.stop(), limitMs)
  beforeEach(async () => {
    folder = await makeFolder()
    file = join(folder.path, 'records')
    source = await freshStore()
    target = await freshStore()
    await source.start({ use: 'alone' })
    await target.start({ use: 'alone' })
    await source.upkeep.sealFor(vault.fingerprint)
  }, limitMs)
  afterEach(async () => {
    await source.stop()
    await target.stop()
    await folder.remove()
  }, limitMs)

  async function freshStore(): Promise<Store> {
    const name = `transfer${databases++}`
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    await client.query(`create database ${name}`)
    await client.end()
    return openPostgresStore({ url: server.url.replace('/postgres?', `/${name}?`) })
  }

  async function admit(count: number, size = 100): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const bytes = new Uint8Array(randomBytes(size))
        const key = vault.keyOf(chain, bytes)
        await source.records.admit({
          key,
          chain,
          txIdMac: vault.txIdMac(chain, bytes),
          laneMac: null,
          sequence: null,
          bytes: vault.seal(bytes, key, 'bytes'),
          txId: vault.seal(bytes.subarray(0, 32), key, 'txId'),
          requestMac: vault.txIdMac(chain, bytes),
          notAfterMs: 2_000_000_000_000,
          nowMs: Date.now(),
        })
      }),
    )
    await source.records.acknowledgeIncarnation(await source.records.incarnation())
  }
  const exported = () => exportStore(source, { ...quiet, file, sealedBy: vault.fingerprint })
  const imported = (options = {}) =>
    importStore(target, { ...quiet, file, sealedBy: vault.fingerprint, ...options })
  const allOf = async (store: Store): Promise<unknown[]> => {
    const all = []
    for await (const page of store.upkeep.records()) all.push(...page)
    return all
  }
  const isCurrent = async (store: Store): Promise<boolean> =>
    Buffer.compare((await store.records.knownIncarnation())!, await store.records.incarnation()) === 0

  it(
    'goes into a file and out of it, more than fits a page, and the largest transaction',
    async () => {
      await admit(600)
      await admit(1, 1_048_576)
      expect(await exported()).toBe(601)
      expect(await imported()).toBe(601)
      expect(await allOf(target)).toEqual(await allOf(source))
      expect(await target.upkeep.closed()).toBeNull()
      expect(await target.upkeep.sealedBy()).toBe(vault.fingerprint)
      // The file may be old: what it calls unsent may have been sent since.
      expect(await isCurrent(target)).toBe(false)
    },
    limitMs,
  )

  it('moves with what it calls unsent, which cannot have been sent meanwhile; not so what was moved before', async () => {
    await admit(3)
    expect(await moveStore(source, target, { ...quiet, deleteSource: false })).toEqual({
      records: 3,
      isCurrent: true,
    })
    expect(await isCurrent(target)).toBe(true)
    expect(await source.upkeep.closed()).toBe('moved')
    expect(await isCurrent(source)).toBe(false)

    const again = { ...quiet, force: true, deleteSource: true }
    expect(await moveStore(source, target, again)).toEqual({ records: 3, isCurrent: false })
    expect(await isCurrent(target)).toBe(false)
    expect([await source.upkeep.count(), await target.upkeep.count()]).toEqual([0, 3])
  })

  it('does not move as if it were current where a copy of its files was put back before', async () => {
    await admit(1)
    await source.markRestored()
    expect((await moveStore(source, target, { ...quiet, deleteSource: false })).isCurrent).toBe(false)
  })

  it(
    'is not half there: a fill that was cut off keeps every broadcaster out, and can be done again',
    async () => {
      await admit(600)
      const cut = new AbortController()
      await expect(
        moveStore(source, target, {
          ...quiet,
          signal: cut.signal,
          onProgress: () => cut.abort(new Error('cut')),
          deleteSource: true,
        }),
      ).rejects.toThrow('cut')
      expect(await target.upkeep.closed()).toBe('filling')
      expect([await source.upkeep.closed(), await source.upkeep.count()]).toEqual([null, 600])
      await target.stop()
      await expect(target.start()).rejects.toThrow(/run that command again, with --force/)
      await target.start({ use: 'alone' })
      await expect(moveStore(source, target, { ...quiet, deleteSource: false })).rejects.toThrow(/--force/)
      await moveStore(source, target, { ...quiet, force: true, deleteSource: false })
      expect(await target.upkeep.count()).toBe(600)
    },
    limitMs,
  )

  it(
    'is taken from a whole file only, and nothing is touched before that is known',
    async () => {
      await admit(5)
      await exported()
      const text = await readFile(file, 'utf8')
      const lines = text.trimEnd().split('\n')
      const stateOf = (line: string): string => line.replace('"state":"held"', '"state":"exposed"')
      for (const [wrong, said] of [
        ['', 'is empty.'],
        ['store: redis\n', 'is no export of a store.'],
        [`${lines.slice(0, -1).join('\n')}\n`, 'was cut off: it has no end.'],
        [
          `${lines.slice(0, 3).join('\n')}\n${lines[3]!.slice(0, 50)}`,
          'was damaged: line 4 is none of an export.',
        ],
        [
          `${[lines[0], lines[1], ...lines.slice(3)].join('\n')}\n`,
          'was damaged: it is not what was written.',
        ],
        [
          `${[lines[0], stateOf(lines[1]!), ...lines.slice(2)].join('\n')}\n`,
          'was damaged: it is not what was written.',
        ],
        [text + lines[1], 'goes on after its end.'],
        [
          text.replace('"format":1', '"format":2'),
          /^.* was written by a newer release, [\d.]+: use that one\.$/,
        ],
        ['x'.repeat(3_000_000), 'is no export of a store.'],
      ] as const) {
        await writeFile(file, wrong)
        const expected = typeof said === 'string' ? `${file} ${said}` : said
        await expect(imported()).rejects.toThrow(expected)
      }
      await writeFile(file, text)
      await expect(imported({ sealedBy: createVault(randomBytes(32)).fingerprint })).rejects.toThrow(
        /another key file/,
      )
      expect([await target.upkeep.closed(), await target.upkeep.count()]).toEqual([null, 0])
      expect(await imported()).toBe(5)
    },
    limitMs,
  )
})

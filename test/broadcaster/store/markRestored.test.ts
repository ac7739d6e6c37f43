import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { stringify } from 'yaml'
import { openEmbeddedStore, type Store } from '../../../broadcaster/dist/store/index.js'
import { makeFolder } from '../../support/path.ts'
import { broadcasterProgram, type Ended, run } from '../../support/processes.ts'

const limitMs = 120_000

describe('veilcast-broadcaster mark-restored', () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let config: string
  let store: Store
  beforeEach(async () => {
    folder = await makeFolder()
    config = join(folder.path, 'veilcast.yaml')
    await writeFile(
      config,
      stringify({
        dataDir: 'data',
        mixnet: { transport: 'nym-socket' },
        store: { kind: 'embedded' },
        chains: [{ chain: 'eip155:1', endpoints: [{ id: 'mine', url: 'http://127.0.0.1:1' }] }],
      }),
    )
    store = openEmbeddedStore({ dataDir: join(folder.path, 'data', 'postgres') })
  })
  afterEach(async () => {
    await store.stop()
    await folder.remove()
  }, limitMs)

  const markRestored = (): Promise<Ended> =>
    run(process.execPath, [broadcasterProgram, 'mark-restored', '--config', config]).ended

  it(
    'tells a store that was put back from a copy of its files from the one that it was, without any transport or chain',
    async () => {
      const data = join(folder.path, 'data', 'postgres', 'data')
      await store.start()
      const before = await store.records.incarnation()
      await store.records.acknowledgeIncarnation(before)
      await store.stop()
      execFileSync('cp', ['-a', data, `${data}.copy`])

      // Nothing in the files tells that they are old.
      await rm(data, { recursive: true })
      execFileSync('cp', ['-a', `${data}.copy`, data])
      await store.start()
      expect(await store.records.incarnation()).toEqual(before)
      await store.stop()

      expect(await markRestored()).toMatchObject({ code: 0, stderr: '' })
      await store.start()
      expect(await store.records.knownIncarnation()).toEqual(before)
      expect(await store.records.incarnation()).not.toEqual(before)
    },
    limitMs,
  )

  it(
    'is for a store that nobody uses',
    async () => {
      await store.start()
      const { code, stderr } = await markRestored()
      expect(code).toBe(2)
      expect(stderr).toContain('Another broadcaster runs on this data folder.')
    },
    limitMs,
  )
})

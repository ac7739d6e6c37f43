import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { lockFile } from '../../../shared/dist/mixnet/nymWasm/lockFile.js'

let folder: string
let path: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veilcast-lock-'))
  path = join(folder, 'identity.lock')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('lockFile', () => {
  it('default: one owner, until it lets go', async () => {
    const lock = await lockFile(path)
    await expect(lockFile(path)).rejects.toMatchObject({ kind: 'unreachable' })
    await lock.release()
    await (await lockFile(path)).release()
    expect(await readdir(folder)).toEqual([])
  })

  it('behavior: of many that find a stale lock, one gets it', async () => {
    await writeFile(path, JSON.stringify({ pid: 2 ** 30, startedAt: '1', host: hostname() }))
    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockFile(path)))
    const won = attempts.filter((attempt) => attempt.status === 'fulfilled')
    expect(won).toHaveLength(1)
    await won[0]!.value.release()
    expect(await readdir(folder)).toEqual([])
  })

  it.each([
    ['a process that is gone', JSON.stringify({ pid: 2 ** 30, startedAt: '1', host: hostname() })],
    [
      'a process id in other hands',
      JSON.stringify({ pid: process.pid, startedAt: 'another day', host: hostname() }),
    ],
    ['nobody', 'garbage'],
  ])('behavior: takes over the lock of %s', async (_, content) => {
    await writeFile(path, content)
    const lock = await lockFile(path)
    expect(await readFile(path, 'utf8')).not.toBe(content)
    await lock.release()
  })

  it('behavior: another host keeps its lock while it touches it', async () => {
    await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: '1', host: 'elsewhere' }))
    await expect(lockFile(path)).rejects.toMatchObject({ kind: 'unreachable' })
    const long = new Date(Date.now() - 60_000)
    await utimes(path, long, long)
    await (await lockFile(path)).release()
  })
})

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Journal } from '@veilcast/client'
import { createFileJournal } from '@veilcast/client/journal/file'
import { journalEntry } from '../../contract/journal.ts'
import { makeFolder } from '../../support/path.ts'
import { root } from '../../support/processes.ts'

describe('createFileJournal', () => {
  let parent: Awaited<ReturnType<typeof makeFolder>>
  let folder: string
  let journal: Journal
  beforeEach(async () => {
    parent = await makeFolder()
    folder = join(parent.path, 'deep', 'journal')
    journal = createFileJournal({ folder })
  })
  afterEach(() => parent.remove())

  const named = (name: number, ending = 'json') => `${journalEntry(name).id}.${ending}`

  it("default: a file of JSON for each entry, for this user's eyes", async () => {
    await journal.put(journalEntry(1))
    expect(await readdir(folder)).toEqual([named(1)])
    const file = join(folder, named(1))
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(journalEntry(1))
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    await journal.remove(journalEntry(1).id)
    expect(await readdir(folder)).toEqual([])
  })

  it('behavior: what is no JSON is set aside, what is no file of ours is let alone', async () => {
    await journal.put(journalEntry(1))
    await writeFile(join(folder, named(2)), JSON.stringify(journalEntry(2)).slice(0, 100))
    await writeFile(join(folder, named(3)), '')
    await writeFile(join(folder, named(4)), Buffer.from([0xff, 0xfe, 0]))
    await writeFile(join(folder, 'notes.json'), 'mine')
    await mkdir(join(folder, named(5)))
    await symlink('/etc/hostname', join(folder, named(6)))
    execFileSync('mkfifo', [join(folder, named(7))])
    const found = await journal.entries()
    expect(found.filter((one) => one !== null)).toEqual([journalEntry(1)])
    // Nobody takes null for an entry, so that a client tells how many it passed over.
    expect(found).toHaveLength(7)
    const left = [named(1), named(2, 'corrupt'), named(3, 'corrupt'), named(4, 'corrupt')]
    expect((await readdir(folder)).sort()).toEqual(
      [...left, named(5), named(6), named(7), 'notes.json'].sort(),
    )
    await journal.put(journalEntry(8))
    expect((await journal.entries()).filter((one) => one !== null)).toHaveLength(2)
  })

  it('behavior: a file that is longer than the journal is not read', async () => {
    await journal.put(journalEntry(1))
    await writeFile(join(folder, named(2)), JSON.stringify('x'.repeat(5_000)))
    expect(await createFileJournal({ folder, maxBytes: 4_000 }).entries()).toEqual(
      expect.arrayContaining([journalEntry(1), null]),
    )
  })

  it('behavior: drafts of one that was killed while it wrote go, those of one at work stay', async () => {
    await journal.put(journalEntry(1))
    const [old, young] = [
      `${journalEntry(2).id}.${'a'.repeat(12)}.draft`,
      `${journalEntry(3).id}.${'b'.repeat(12)}.draft`,
    ]
    for (const name of [old, young]) await writeFile(join(folder, name), '{"version":1')
    const longAgo = new Date(Date.now() - 120_000)
    await utimes(join(folder, old), longAgo, longAgo)
    expect(await createFileJournal({ folder }).entries()).toEqual([journalEntry(1)])
    expect((await readdir(folder)).sort()).toEqual([named(1), young].sort())
  })

  it.each(['../../etc/passwd', '', 'x'.repeat(32), `${journalEntry(1).id}/..`])(
    'error: %j names no entry',
    async (id) => {
      await expect(journal.put(journalEntry(1, { id }))).rejects.toMatchObject({
        errorName: 'journalUnavailable',
      })
      await expect(journal.remove(id)).rejects.toMatchObject({ errorName: 'journalUnavailable' })
    },
  )

  it('error: a folder that cannot be one: its name is not told; once it can, the journal works', async () => {
    await mkdir(join(parent.path, 'deep'))
    await writeFile(folder, 'in the way')
    const error = await journal.put(journalEntry(1)).catch((error: unknown) => error)
    expect(error).toMatchObject({
      errorName: 'journalUnavailable',
      outcome: 'notSent',
      details: 'The file system gave EEXIST.',
    })
    expect(String(error)).not.toContain(parent.path)
    execFileSync('rm', [folder])
    await journal.put(journalEntry(1))
    expect(await journal.entries()).toEqual([journalEntry(1)])
  })

  it.each([undefined, '', 7])('error: %j is no folder', (folder) => {
    expect(() => createFileJournal({ folder: folder as never })).toThrow(/folder: is the name of a folder/)
  })

  // A file system of 64 kB takes a name space of one's own.
  const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0
  ;(canMount ? it : it.skip)(
    'error: a disk that is full: told, nothing half written, what is there stays',
    async () => {
      await mkdir(folder, { recursive: true })
      const program = `
      import { createFileJournal } from '@veilcast/client/journal/file'
      const entry = ${JSON.stringify(journalEntry(1))}
      const journal = createFileJournal({ folder: process.argv[1] })
      await journal.put(entry)
      const large = { ...entry, id: 'f'.repeat(32), signedTx: 'ab'.repeat(100_000) }
      const error = await journal.put(large).catch((error) => error)
      await journal.put({ ...entry, stage: 'accepted' })
      const { readdir } = await import('node:fs/promises')
      const files = await readdir(process.argv[1])
      console.log(JSON.stringify({ details: error.details, name: error.errorName, files, left: await journal.entries() }))`
      const script = 'mount -t tmpfs -o size=64k none "$1" && exec "$2" --input-type=module -e "$3" "$1"'
      const out = execFileSync(
        'unshare',
        ['-rm', 'sh', '-c', script, 'sh', folder, process.execPath, program],
        {
          cwd: root,
          encoding: 'utf8',
        },
      )
      expect(JSON.parse(out)).toEqual({
        name: 'journalUnavailable',
        details: 'The storage is full.',
        files: [named(1)],
        left: [journalEntry(1, { stage: 'accepted' })],
      })
    },
  )
})

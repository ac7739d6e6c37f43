import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { browserSubpaths, builtFile } from '../support/clientSubpaths.ts'
import { root } from '../support/processes.ts'

interface Watched {
  readonly name: string
  readonly import: Readonly<Record<string, string>>
  readonly limit: string
}

const watched: readonly Watched[] = JSON.parse(readFileSync(join(root, '.size-limit.json'), 'utf8'))
/** For tests, not for wallets. */
const unwatched = ['loopback']

it('weighs no more than .size-limit.json allows', () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/size-limit/bin.js'), '--json'],
    { cwd: root, encoding: 'utf8', timeout: 25_000 },
  )
  expect(stdout || stderr).toMatch(/^\[/)
  const weighed: { name: string; size: number; sizeLimit: number }[] = JSON.parse(stdout)
  expect(weighed).toHaveLength(watched.length)
  for (const { name, size, sizeLimit } of weighed) {
    expect({ name, sizeLimit, size }).toEqual({ name, sizeLimit, size: Math.min(size, sizeLimit) })
    expect(size).toBeGreaterThan(5_000)
  }
})

it('watches every subpath that a browser can load; a new one is added to .size-limit.json', () => {
  const files = watched.flatMap((one) => Object.keys(one.import))
  const missing = browserSubpaths.filter(
    (subpath) => !unwatched.includes(subpath) && !files.includes(builtFile(subpath)),
  )
  expect(missing).toEqual([])
})

it('allows what the README says', () => {
  const page = readFileSync(join(root, 'client/README.md'), 'utf8')
  const said = [...page.matchAll(/^\| (.+?) +\| under (\d+ kB) +\|$/gm)].map(([, name, limit]) => [
    name,
    limit,
  ])
  expect(said).toEqual(watched.map(({ name, limit }) => [name, limit]))
})

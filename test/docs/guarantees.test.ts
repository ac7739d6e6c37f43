import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'

const root = join(__dirname, '../..')
const page = readFileSync(join(root, 'docs/guarantees.md'), 'utf8')
/** Each promise with the lines that belong to it. */
const promises = page.split(/\n(?=- )|\n(?! {2})/).filter((text) => text.startsWith('- '))

describe('docs/guarantees.md', () => {
  it('names a test for each promise', () => {
    expect(promises.length).toBeGreaterThan(30)
    expect(promises.filter((promise) => heldBy(promise).length === 0)).toEqual([])
  })

  it.each(heldBy(page))('%s holds “%s”', (file, title) => {
    expect(readFileSync(join(root, file), 'utf8')).toContain(title)
  })
})

function heldBy(text: string): [file: string, title: string][] {
  return [...text.matchAll(/\]\(\.\.\/(test\/[^)]+)\)\s+“([^”]+)”/g)].map(([, file, title]) => [
    file!,
    title!,
  ])
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'

const folder = join(__dirname, '../../docs/guides')
/** A link to a file, and under it what the guide shows of it. */
const shown = readdirSync(folder).flatMap((page) =>
  [
    ...readFileSync(join(folder, page), 'utf8').matchAll(
      /^\[[^\]]+\]\(([^)]+)\)\n\n```\w+\n([\s\S]*?\n)```$/gm,
    ),
  ].map(([, file, text]) => [page, file!, text!] as const),
)

describe('docs/guides', () => {
  it('show files', () => {
    expect(shown.length).toBeGreaterThan(3)
  })

  it.each(shown)('%s shows %s as it is', (_, file, text) => {
    expect(text).toBe(readFileSync(join(folder, file), 'utf8'))
  })
})

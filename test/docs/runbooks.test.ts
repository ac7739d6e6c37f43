import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { runbookOf, type TroubleCode, troubles } from '@veilcast/broadcaster'
import { broadcasterProgram, root, run } from '../support/processes.ts'

const codes = Object.keys(troubles) as TroubleCode[]
let commands: readonly string[]
let metricNames: string

beforeAll(async () => {
  const { stdout } = await run(process.execPath, [broadcasterProgram, '--help']).ended
  commands = [...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name!)
  const sources = ['metrics', 'addStatusMetrics'].map((file) =>
    readFile(join(root, `broadcaster/observability/${file}.ts`), 'utf8'),
  )
  metricNames = (await Promise.all(sources)).join()
}, 30_000)

describe('docs/runbooks', () => {
  it('default: a page for each alert, and none besides', async () => {
    expect((await readdir(join(root, 'docs/runbooks'))).sort()).toEqual(
      codes.map((code) => `${code}.md`).sort(),
    )
  })

  it.each(codes)('%s: says what it means, how to look, what to do and when to escalate', async (code) => {
    const file = join(root, runbookOf(code))
    const text = await readFile(file, 'utf8')
    const { title, severity, forSeconds } = troubles[code]
    expect(text.startsWith(`# ${title}\n`)).toBe(true)
    expect(text).toContain(`\`${code}\`, \`${severity}\``)
    expect(text.split('\n## ')[0]!.includes(`after ${forSeconds} s.`)).toBe(forSeconds > 0)
    const parts = text.split(/^## /m).slice(1)
    expect(parts.map((part) => part.split('\n')[0])).toEqual([
      'What it means',
      'How to look',
      'What to do',
      'When to escalate',
    ])
    for (const part of parts) expect(part.split('\n').slice(1).join('').trim()).not.toBe('')

    // Commands that can be pasted, of commands that there are.
    const shell = [...parts[1]!.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, lines]) => lines).join('')
    expect(shell).not.toBe('')
    for (const [, command] of text.matchAll(/veilcast-broadcaster ([a-z][a-z-]+)(?= --|`)/g)) {
      expect(commands).toContain(command)
    }
    for (const [name] of text.matchAll(/veilcast_(?!process_cpu|nodejs)\w+/g)) {
      expect(metricNames).toContain(`'${name.replace(/_bucket$/, '')}'`)
    }
    for (const [, link] of text.matchAll(/\]\(([^)#]+)/g)) {
      expect(`${link} ${existsSync(join(dirname(file), link!))}`).toBe(`${link} true`)
    }
  })
})

import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { findCosmosBinary } from '@veilcast/devnet'
import { makeFolder } from '../../support/path.ts'
import { processesWith, type Running, run } from '../../support/processes.ts'
import { until } from '../../support/until.ts'

const limitMs = 120_000
/** Where the Cosmos chain would first have to be built, its half is left out, as where there is no Go. */
const cosmos = findCosmosBinary() !== undefined

let folder: Awaited<ReturnType<typeof makeFolder>>
let temporary: string

beforeEach(async () => {
  folder = await makeFolder()
  temporary = join(folder.path, 'tmp')
  await mkdir(temporary)
  await chmod(temporary, 0o755)
})
afterEach(async () => {
  for (const line of await processesWith(temporary)) process.kill(Number.parseInt(line, 10), 'SIGKILL')
  await folder.remove()
})

/** In a session of its own, as in a terminal. Whatever it starts has the folder in its environment or its command line. */
function runDemo(): Running {
  const env = { TMPDIR: temporary, ...(cosmos ? {} : { VEILCAST_COSMOS_BINARY: join(temporary, 'none') }) }
  return run('npm', ['run', 'demo'], { detached: true, env })
}

async function expectNothingLeft(): Promise<void> {
  // Killed servers may still be on their way out of the process table.
  await until(async () => (await processesWith(temporary)).length === 0)
  expect(await readdir(temporary)).toEqual([])
}

/** The cells of a row of the table at the end. */
function row(stdout: string, head: string): string[] {
  const line = stdout.split('\n').find((line) => line.startsWith(`  ${head}  `))
  return (
    line
      ?.slice(head.length + 2)
      .trim()
      .split(/ {2,}/) ?? []
  )
}

describe('npm run demo', () => {
  it(
    'default: brings the receipts with one packet up and one for each reply, and leaves nothing behind',
    async () => {
      let ended = await runDemo().ended
      // On a machine so busy that the client or Nym says things twice, the count is another.
      while (/repeating|once more by Nym/.test(ended.stdout)) ended = await runDemo().ended
      const { code, stdout } = ended
      expect(code).toBe(0)
      const columns = cosmos ? 2 : 1
      const each = (cell: string) => Array(columns).fill(cell)
      expect(row(stdout, 'result')).toEqual(each('success'))
      expect(row(stdout, 'replies heard')).toEqual(each('2'))
      expect(row(stdout, 'reply packets (SURBs spent)')).toEqual(row(stdout, 'replies heard'))
      expect(row(stdout, 'packets up')).toEqual(each('1'))
      expect(row(stdout, 'SURBs in them')).toEqual(cosmos ? ['3', '2'] : ['3'])
      await expectNothingLeft()
    },
    limitMs,
  )

  const moments = [
    { when: 'at its first word', line: /built in/, times: 3 },
    { when: 'while the broadcaster starts', line: /broadcaster: starting/, times: 2 },
    { when: 'while it sends', line: /sending after/, times: 3 },
  ]
  it.each(moments)(
    'behavior: Ctrl-C $when leaves nothing behind',
    async ({ line, times }) => {
      const demo = runDemo()
      await demo.said(line)
      // A terminal's Ctrl-C goes to the whole group, and npm passes it on to its child once more.
      for (let time = 0; time < times; time++) process.kill(-demo.child.pid!, 'SIGINT')
      const { code, signal } = await demo.ended
      expect(signal ?? code).toBe('SIGINT')
      await expectNothingLeft()
    },
    limitMs,
  )

  it(
    'behavior: stops in order where nobody reads on',
    async () => {
      const demo = runDemo()
      await demo.said(/broadcaster: starting/)
      demo.child.stdout?.destroy()
      demo.child.stderr?.destroy()
      await demo.ended
      await expectNothingLeft()
    },
    limitMs,
  )
})

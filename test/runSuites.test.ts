import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

describe('running all suites', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'veilcast-suites-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  /** Jest itself, over suites that are written here. */
  function run(suites: Record<string, string>, ...args: string[]) {
    for (const [name, text] of Object.entries(suites)) writeFileSync(join(root, `${name}.test.cjs`), text)
    const config = join(root, 'jest.config.json')
    writeFileSync(config, JSON.stringify({ rootDir: root, testMatch: ['**/*.test.cjs'], transform: {} }))
    const program = `
      import { runSuites } from ${JSON.stringify(new URL('runSuites.mjs', import.meta.url).href)}
      process.exitCode = (await runSuites(${JSON.stringify({ root, config, runs: [{ args }] })})) ? 0 : 1`
    const { status, stdout: said } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    })
    const isGood = status === 0
    return { isGood, said, last: said.trimEnd().split('\n').at(-1) }
  }

  const passes = `it('holds', () => {})`
  const fails = `it('breaks', () => { throw new Error('always so') })`
  /** Fails where it was not run before. */
  const failsOnce = `
    const { existsSync, writeFileSync } = require('node:fs')
    it('is well', () => {})
    it('stumbles', () => {
      const ran = __filename + '.ran'
      if (existsSync(ran)) return
      writeFileSync(ran, '')
      throw new Error('this once')
    })`

  it('default: what passes is counted, and what was left out is told with its reason', () => {
    const skips = `it.skip('shows a page (no Chromium: apt-get install chromium)', () => {})`
    const { isGood, said, last } = run({ a: passes, b: skips })
    expect(isGood).toBe(true)
    expect(said).toContain('Left out on this machine:\n  no Chromium: apt-get install chromium  [1 tests]\n')
    expect(last).toBe('1 passed, 0 failed, 1 skipped')
  })

  it('behavior: what failed once and passes alone counts as passed, and is told of loudly with its failure', () => {
    const { isGood, said, last } = run({ a: passes, b: failsOnce })
    expect(isGood).toBe(true)
    expect(said).toContain('Once more, alone: b.test.cjs\n')
    expect(said).toMatch(/FLAKY: 1 failed once, passed alone.*\n\n {2}b\.test\.cjs\n[\s\S]*this once/)
    expect(last).toBe('3 passed, 0 failed, 0 skipped')
  })

  it('behavior: what fails again has failed, though another was flaky', () => {
    const { isGood, said, last } = run({ a: fails, b: failsOnce })
    expect(isGood).toBe(false)
    expect(said.split('FLAKY')[1]).not.toContain('always so')
    expect(last).toBe('2 passed, 1 failed, 0 skipped')
  })

  it('behavior: what cannot be loaded has failed, once more too', () => {
    const { isGood, said, last } = run({ a: passes, b: `require('./missing.cjs')` })
    expect(isGood).toBe(false)
    expect(said).toContain('Once more, alone: b.test.cjs\n')
    expect(last).toBe('1 passed, 1 failed, 0 skipped')
  })

  it('behavior: where more than five suites fail, none is run once more', () => {
    const suites = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, failsOnce]))
    const { isGood, said, last } = run(suites)
    expect(isGood).toBe(false)
    expect(said).not.toContain('Once more')
    expect(said).toContain('6 suites failed: more than 5 are not run once more.')
    expect(last).toBe('6 passed, 6 failed, 0 skipped')
  })

  it('error: where nothing is found, nothing has passed', () => {
    expect(run({ a: passes }, '--passWithNoTests', 'elsewhere')).toMatchObject({
      isGood: false,
      last: '0 passed, 0 failed, 0 skipped',
    })
  })
})

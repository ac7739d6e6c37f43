import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url))

/** Suites that are run again where they failed. Where more fail, the machine or the change is at fault, and not a moment. */
const maxAgainSuites = 5
const slowestShown = 10

/**
 * Runs jest once for each list of arguments, then each suite that failed once more, alone: the second result counts, and what
 * passed then is told of with what it failed by. Tells what was left out, and how to have it; what took longest; the sum.
 *
 * @param {object} options
 * @param {string} options.root the folder that suites are named from
 * @param {string} options.config path of jest's configuration
 * @param {readonly { args: readonly string[], ready?: () => Promise<unknown> }[]} options.runs jest's arguments, a run each, one
 * after the other, and what each waits for
 * @returns {Promise<boolean>} whether all passed, and something did
 * @throws Error where jest ends without a result
 */
export async function runSuites({ root, config, runs }) {
  const jestIn = (args) => runJest({ root, config, args })
  const results = []
  for (const { args, ready } of runs) {
    await ready?.()
    results.push(jestIn(args))
  }
  // A run may be faulted for no suite's sake: a setting that jest does not know, nothing found.
  const isFaulted = results.some(({ status, suites }) => status !== 0 && !suites.some(hasFailed))

  const suites = results.flatMap((result) => result.suites)
  const first = suites.filter(hasFailed)
  const again = first.length > maxAgainSuites ? [] : first
  const second = new Map()
  for (const { name } of again) {
    write(`\nOnce more, alone: ${relative(root, name)}\n`)
    const { suites: alone } = jestIn(['--runInBand', '--runTestsByPath', name])
    second.set(
      name,
      alone.find((suite) => suite.name === name) ?? {
        name,
        message: '',
        assertionResults: [],
        status: 'failed',
      },
    )
  }
  const last = suites.map((suite) => second.get(suite.name) ?? suite)

  tellSlowest(last, root)
  tellLeftOut(last)
  if (first.length > maxAgainSuites) {
    write(`\n${first.length} suites failed: more than ${maxAgainSuites} are not run once more.\n`)
  }
  const flaky = again.filter(({ name }) => !hasFailed(second.get(name)))
  if (flaky.length > 0) {
    write(
      `\nFLAKY: ${flaky.length} failed once, passed alone. Each is a bug to be fixed (CONTRIBUTING.md); its first failure:\n`,
    )
    for (const { name, message } of flaky) write(`\n  ${relative(root, name)}\n${message}\n`)
  }

  const count = (...statuses) =>
    last.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => statuses.includes(status))
      .length
  // A suite that could not even be loaded has no tests of its own to count.
  const unloaded = last.filter(
    (suite) => hasFailed(suite) && !suite.assertionResults.some(({ status }) => status === 'failed'),
  )
  const failed = count('failed') + unloaded.length
  const passed = count('passed')
  write(`\n${passed} passed, ${failed} failed, ${count('pending', 'todo', 'skipped', 'disabled')} skipped\n`)
  return failed === 0 && passed > 0 && !isFaulted
}

function write(text) {
  process.stdout.write(text)
}

function hasFailed({ status }) {
  return status === 'failed'
}

function runJest({ root, config, args }) {
  const folder = mkdtempSync(join(tmpdir(), 'veilcast-jest-'))
  const resultFile = join(folder, 'result.json')
  try {
    const { status } = spawnSync(
      process.execPath,
      [jest, '-c', config, '--json', `--outputFile=${resultFile}`, ...args],
      { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
    )
    return { status, suites: JSON.parse(readFileSync(resultFile, 'utf8')).testResults }
  } catch (error) {
    throw new Error('jest ended without a result', { cause: error })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tellSlowest(suites, root) {
  const slowest = suites
    .map(({ name, startTime, endTime }) => ({ name, seconds: Math.round((endTime - startTime) / 1000) }))
    .filter(({ seconds }) => seconds >= 10)
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, slowestShown)
  if (slowest.length === 0) return
  write('\nTook longest:\n')
  for (const { name, seconds } of slowest) write(`  ${seconds} s  ${relative(root, name)}\n`)
}

function tellLeftOut(suites) {
  const leftOut = new Map()
  for (const reason of suites.flatMap(reasonsLeftOut)) leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1)
  if (leftOut.size === 0) return
  write('\nLeft out on this machine:\n')
  for (const [reason, tests] of leftOut) write(`  ${reason}  [${tests} tests]\n`)
}

/** What is skipped says in its title, in brackets, what it needs and how to have it. */
function reasonsLeftOut({ assertionResults }) {
  return assertionResults
    .filter(({ status }) => status === 'pending')
    .map(({ fullName }) => {
      const [, reason] = /\(((?:no|there is no|needs|CometBFT) (?:[^()]|\([^()]*\))*)\)/.exec(fullName) ?? []
      return reason ?? fullName
    })
}

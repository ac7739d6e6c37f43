import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureReady, root } from '../infra/setup/ensureReady.mjs'

// `npm test [-- path …]`: installs and builds what is missing, runs jest, and says what was left out on this machine and how
// to have it.

/** Whole paths over the loopback: chains and stores, and no Nym network. These run two at a time, as all others do. */
const overLoopback =
  'chain|duplicates|errors/|hostileBroadcaster|lanes|loopback|stores|transactionTypes|watcher'

/**
 * Suites that have a Nym network, or kill and time what they test: one after the other, since a mixnet that is starved of its processor
 * is a lossy one. A new one under e2e is among them until it is named above.
 */
const aloneSuites = `test/(chaos/|e2e/(?!${overLoopback})|infra/localnet/|shared/mixnet/|support/walletStack)`

try {
  await ensureReady()
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

const named = process.argv.slice(2)
const results =
  named.length > 0
    ? [runJest(named)]
    : [
        runJest([`--testPathIgnorePatterns=/node_modules/|${aloneSuites}`]),
        runJest(['--runInBand', aloneSuites]),
      ]

const leftOut = new Map()
for (const reason of results.flatMap(reasonsLeftOut)) leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1)
if (leftOut.size > 0) {
  process.stdout.write('\nLeft out on this machine:\n')
  for (const [reason, tests] of leftOut) process.stdout.write(`  ${reason}  [${tests} tests]\n`)
}
const sum = (count) => results.reduce((total, result) => total + count(result), 0)
const passed = sum(({ numPassedTests }) => numPassedTests)
// A suite that could not even be loaded has no tests of its own to count.
const failed = sum(
  ({ numFailedTests, numRuntimeErrorTestSuites }) => numFailedTests + numRuntimeErrorTestSuites,
)
const skipped = sum(({ numPendingTests, numTodoTests }) => numPendingTests + numTodoTests)
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`)
process.exit(failed > 0 || passed === 0 || results.some(({ status }) => status !== 0) ? 1 : 0)

function runJest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'veilcast-jest-'))
  const resultFile = join(folder, 'result.json')
  const config = join(root, 'test/jest.config.mjs')
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/jest/bin/jest.js'),
      '-c',
      config,
      '--json',
      `--outputFile=${resultFile}`,
      ...args,
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  try {
    return { ...JSON.parse(readFileSync(resultFile, 'utf8')), status }
  } catch {
    process.stderr.write('jest ended without a result\n')
    process.exit(1)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What is skipped says in its title, in brackets, what it needs and how to have it. */
function reasonsLeftOut({ testResults }) {
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'pending')
    .map(({ fullName }) => {
      const [, reason] = /\(((?:no|there is no|needs|CometBFT) (?:[^()]|\([^()]*\))*)\)/.exec(fullName) ?? []
      return reason ?? fullName
    })
}

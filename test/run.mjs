import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureReady, root } from '../infra/setup/ensureReady.mjs'

// `npm test [-- path …]`: installs and builds what is missing, runs jest, and says what was left out on this machine and how
// to have it.
try {
  await ensureReady()
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'veilcast-test-'))
const resultFile = join(folder, 'result.json')
const jest = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/jest/bin/jest.js'),
    '-c',
    join(root, 'test/jest.config.mjs'),
    '--json',
    `--outputFile=${resultFile}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
)

let counts
try {
  counts = JSON.parse(readFileSync(resultFile, 'utf8'))
} catch {
  process.stderr.write('jest wrote no result\n')
  process.exit(jest.status || 1)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

// A suite that needs more than this machine has says in its title what, and how to have it.
const leftOut = new Set(
  counts.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'pending')
    .map(({ ancestorTitles, title }) => ancestorTitles.join(' › ') || title),
)
if (leftOut.size > 0) {
  process.stdout.write(`\nLeft out on this machine:\n${[...leftOut].map((title) => `  ${title}\n`).join('')}`)
}
// A suite that could not even be loaded has no tests of its own to count.
const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites
process.stdout.write(
  `\n${counts.numPassedTests} passed, ${failed} failed, ${counts.numPendingTests + counts.numTodoTests} skipped\n`,
)
process.exit(failed > 0 || counts.numPassedTests === 0 ? 1 : (jest.status ?? 1))

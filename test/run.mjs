import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureReady, root } from '../infra/setup/ensureReady.mjs'
import { runSuites } from './runSuites.mjs'

// `npm test [-- path …]`: installs and builds what is missing, runs the suites, and says what was left out on this machine and how
// to have it.

/**
 * Weighs the times of answers, or counts what a lossy network loses: one after the other, with the machine to themselves. All others
 * run as many at a time as jest.config.mjs says.
 */
const alone = /e2e[/\\](loss|secrecy[/\\]stranger)\.test\.ts$/
const needsChains = /\b(cosmosOrSkip|cometBftOrSkip|findCosmosBinary)\b/

try {
  await ensureReady()
  const named = process.argv.slice(2)
  const runs = named.length > 0 ? [{ args: named }] : allRuns()
  process.exit((await runSuites({ root, config: join(root, 'test/jest.config.mjs'), runs })) ? 0 : 1)
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

/** With VEILCAST_TEST_COSMOS=1 the chains' programs may still be built while suites run that need none of them. */
function allRuns() {
  const folder = join(root, 'test')
  const suites = readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
  const together = suites.filter((path) => !alone.test(path))
  const withChains = together.filter((path) => needsChains.test(readFileSync(path, 'utf8')))
  const args = (paths, ...more) => ['--runTestsByPath', ...more, ...paths]
  const last = {
    args: args(
      suites.filter((path) => alone.test(path)),
      '--runInBand',
    ),
  }
  if (process.env.VEILCAST_TEST_COSMOS !== '1') return [{ args: args(together) }, last]
  return [
    { args: args(together.filter((path) => !withChains.includes(path))) },
    { args: args(withChains), ready: buildChains },
    last,
  ]
}

async function buildChains() {
  const { buildCometBft, buildCosmosBinary } = await import('@veilcast/devnet')
  const onProgress = (line) => void process.stderr.write(`${line}\n`)
  await buildCosmosBinary({ onProgress })
  for (const version of ['0.37', '1.0']) await buildCometBft(version, { onProgress })
}

import { join } from 'node:path'
import { ensureReady, root } from '../infra/setup/ensureReady.mjs'
import { runSuites } from './runSuites.mjs'

// `npm test [-- path …]`: installs and builds what is missing, runs the suites, and says what was left out on this machine and how
// to have it.

/** Whole paths over the loopback: chains and stores, and no Nym network. These run two at a time, as all others do. */
const overLoopback =
  'chain|duplicates|errors/|hostileBroadcaster|lanes|loopback|stores|transactionTypes|watcher'

/**
 * Suites that have a Nym network, or kill and time what they test: one after the other, since a mixnet that is starved of its processor
 * is a lossy one. A new one under e2e is among them until it is named above.
 */
const alone = `test/(chaos/|e2e/(?!${overLoopback})|infra/localnet/|shared/mixnet/|support/walletStack)`

try {
  await ensureReady()
  const named = process.argv.slice(2)
  const runs =
    named.length > 0
      ? [named]
      : [[`--testPathIgnorePatterns=/node_modules/|${alone}`], ['--runInBand', alone]]
  process.exit(runSuites({ root, config: join(root, 'test/jest.config.mjs'), runs }) ? 0 : 1)
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

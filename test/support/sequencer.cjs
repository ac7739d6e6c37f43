const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { default: Sequencer } = require('@jest/test-sequencer')

/** What takes longest, longest first: begun last, one of these would go on alone. A name that is not here is none of them. */
const long = [
  'chaos/everyPoint',
  'e2e/process/broadcasterCommand',
  'broadcaster/store/embedded',
  'e2e/browser/exampleWallet',
  'e2e/secrecy/fullRun',
  'chaos/storeAway',
  'e2e/lanes',
  'e2e/watcher',
  'shared/mixnet/nymWasm',
  'e2e/rpcEndpoint',
]

/** The program of a Cosmos chain may still be on its way while the first suites run. */
const needsCosmos = /\b(cosmosOrSkip|cometBftOrSkip)\(/

/** Long ones first, and those with a Cosmos chain behind all others. */
module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const root = join(__dirname, '..')
    const ranks = new Map(
      tests.map(({ path }) => {
        const place = long.indexOf(path.slice(root.length + 1).replace('.test.ts', ''))
        const isLate = needsCosmos.test(readFileSync(path, 'utf8'))
        return [path, Number(isLate) * (long.length + 1) + (place < 0 ? long.length : place)]
      }),
    )
    return super.sort(tests).sort((a, b) => ranks.get(a.path) - ranks.get(b.path))
  }
}

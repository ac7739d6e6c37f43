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

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const root = join(__dirname, '..')
    const rank = ({ path }) => {
      const place = long.indexOf(path.slice(root.length + 1).replace('.test.ts', ''))
      return place < 0 ? long.length : place
    }
    return super.sort(tests).sort((a, b) => rank(a) - rank(b))
  }
}

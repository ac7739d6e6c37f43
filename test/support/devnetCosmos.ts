import { beforeAll, describe } from '@jest/globals'
import { buildCosmosBinary, describeCosmosAvailability, findCosmosBinary } from '@veilcast/devnet'

const buildLimitMs = 20 * 60_000

/**
 * A suite that needs a real Cosmos chain. It is skipped, and its title says why, where no chain's program is at hand;
 * with VEILCAST_TEST_COSMOS=1 the program is built first (minutes, once).
 */
export function cosmosOrSkip(name: string, suite: () => void): void {
  if (findCosmosBinary()) {
    describe(name, suite)
  } else if (process.env.VEILCAST_TEST_COSMOS === '1') {
    describe(name, () => {
      beforeAll(async () => {
        await buildCosmosBinary({ onProgress: (line) => process.stderr.write(`${line}\n`) })
      }, buildLimitMs)
      suite()
    })
  } else {
    describe.skip(`${name} (${describeCosmosAvailability()}, or VEILCAST_TEST_COSMOS=1)`, suite)
  }
}

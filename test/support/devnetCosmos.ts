import { beforeAll, describe } from '@jest/globals'
import {
  buildCometBft,
  buildCosmosBinary,
  type CometBftVersion,
  describeCosmosAvailability,
  findCometBft,
  findCosmosBinary,
} from '@veilcast/devnet'

const buildLimitMs = 20 * 60_000
const onProgress = (line: string) => void process.stderr.write(`${line}\n`)

/**
 * A suite that needs a real Cosmos chain. It is skipped, and its title says why, where no chain's program is at hand;
 * with VEILCAST_TEST_COSMOS=1 the program is built first (minutes, once).
 */
export function cosmosOrSkip(name: string, suite: () => void): void {
  const found = findCosmosBinary() !== undefined
  builtOrSkip(found, name, suite, () => buildCosmosBinary({ onProgress }), describeCosmosAvailability())
}

/** As {@link cosmosOrSkip}, for a suite that needs a bare CometBFT of this version; half a minute to build. */
export function cometBftOrSkip(version: CometBftVersion, name: string, suite: () => void): void {
  const found = findCometBft(version) !== undefined
  builtOrSkip(
    found,
    name,
    suite,
    () => buildCometBft(version, { onProgress }),
    `CometBFT ${version} is not built`,
  )
}

function builtOrSkip(
  found: boolean,
  name: string,
  suite: () => void,
  build: () => Promise<unknown>,
  reason: string,
): void {
  if (found) {
    describe(name, suite)
  } else if (process.env.VEILCAST_TEST_COSMOS === '1') {
    describe(name, () => {
      beforeAll(async () => {
        await build()
      }, buildLimitMs)
      suite()
    })
  } else {
    describe.skip(`${name} (${reason}; VEILCAST_TEST_COSMOS=1 builds it)`, suite)
  }
}

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  type Anvil,
  type CosmosChain,
  findCosmosBinary,
  startAnvil,
  startCosmosChain,
} from '@veilcast/devnet'
import { describeLossRun, type LossRun, runThroughLoss } from '../support/lossRun.ts'
import { type LossWorld, localnetWorld, loopbackWorld } from '../support/lossWorlds.ts'

const runLimitMs = 300_000

describe('200 transactions through bad weather', () => {
  let anvil: Anvil
  let cosmos: CosmosChain | undefined
  let world: LossWorld | undefined

  beforeEach(async () => {
    anvil = await startAnvil({ blockTimeMs: 200 })
    cosmos =
      findCosmosBinary() || process.env.VEILCAST_TEST_COSMOS === '1'
        ? await startCosmosChain({ blockTimeMs: 250 })
        : undefined
  }, 120_000)
  afterEach(async () => {
    await world?.stop()
    await cosmos?.stop()
    await anvil?.stop()
  })

  it(
    'a fifth of all messages lost, a fifth doubled, a fifth late, both ways: 200 right outcomes',
    async () => {
      world = loopbackWorld()
      const run = await runThroughLoss({ world, anvil, cosmos })
      tell(run)
      expect(run.wrong).toEqual([])
      expect(run.right).toBe(200)
      expect(run.submissions.more).toBe(0)
      expect(run.repliesWaiting).toBe(0)
    },
    runLimitMs,
  )

  it(
    'a twentieth of all packets lost at each of four hops of a Nym network: 200 right outcomes',
    async () => {
      world = await localnetWorld()
      const run = await runThroughLoss({ world, anvil, cosmos, wallets: 3 })
      tell(run)
      expect(run.wrong).toEqual([])
      expect(run.right).toBe(200)
      expect(run.submissions.more).toBe(0)
      expect(run.lost).toBeGreaterThan(0)
    },
    runLimitMs,
  )
})

function tell(run: LossRun): void {
  if (process.env.VEILCAST_TEST_TABLE === '1') process.stderr.write(`${describeLossRun(run).join('\n')}\n`)
}

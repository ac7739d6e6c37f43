import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createClient, type Receipt, type VeilcastClient } from '@veilcast/client'
import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
import { type Anvil, type CosmosChain, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'
import { signEthTransfer, signMsgSend } from '../../support/devnetSign.ts'
import { anvilSetup, cosmosSetup, makeFolder } from '../../support/path.ts'
import {
  type BroadcasterProcess,
  endAll,
  kill9,
  processesWith,
  runBroadcaster,
  startBroadcaster,
  writeConfig,
} from '../../support/processes.ts'
import { untilPooled } from '../../support/untilPooled.ts'

const limitMs = 120_000
/** A killed worker's job is free again after its lock, 5 s, and at most two looks for stalled ones, 2 s each; its lease, 5 s. */
const recoveryLimitMs = 60_000
/** As in production, only sooner: what goes unanswered is asked again. */
const timing = { firstRepeatMs: 3_000, laterRepeatMs: 3_000, maxRepeatMs: 6_000 }

let localnet: Localnet
let folder: Awaited<ReturnType<typeof makeFolder>>
let broadcaster: BroadcasterProcess
let client: VeilcastClient

beforeAll(async () => {
  localnet = await startLocalnet()
})
afterAll(() => localnet?.stop())

beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(async () => {
  await client?.stop()
  broadcaster?.child.kill('SIGTERM')
  await broadcaster?.ended
  await endAll()
  // The Postgres that a killed broadcaster left behind was stopped by the next one, and its own with itself.
  expect(await processesWith(folder.path)).toEqual([])
  await folder.remove()
}, limitMs)

async function startClient(address: string): Promise<VeilcastClient> {
  const mixnet = createNymWasmDialer({
    nymApiUrl: localnet.nymApiUrl,
    preferredGateway: localnet.preferredGateway,
    disableCoverTraffic: true,
    disablePacing: true,
  })
  const made = createClient({ mixnet, broadcasters: [address], timing })
  await made.start()
  return made
}

/** Submits, and runs `act` as soon as the client has come to this stage. The receipt is all that the caller waits for. */
async function submitAnd(
  chain: string,
  signedTx: Uint8Array | string,
  stage: string,
  act: () => Promise<unknown>,
): Promise<Receipt> {
  let acting: Promise<unknown> | undefined
  const receipt = await client.submit(
    { chain, signedTx },
    {
      timeoutMs: recoveryLimitMs,
      onProgress(progress) {
        if (progress.stage === stage) acting ??= act()
      },
    },
  )
  await acting
  return receipt
}

describe('kill -9 of the broadcaster, EVM', () => {
  let anvil: Anvil
  let configFile: string
  let signedTx: `0x${string}`

  beforeEach(async () => {
    anvil = await startAnvil()
    // Nothing is included until the test mines.
    await anvil.setAutomine(false)
    configFile = await writeConfig(folder.path, localnet, [anvilSetup(anvil)])
    broadcaster = await runBroadcaster(configFile)
    client = await startClient(broadcaster.address)
    signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[1]!.address,
      valueWei: 7n,
    })
  }, limitMs)
  afterEach(() => anvil?.stop())

  async function restart(): Promise<void> {
    const { address } = broadcaster
    broadcaster = await runBroadcaster(configFile)
    expect(broadcaster.address).toBe(address)
  }

  /** Mines once the transaction lies in the pool. */
  async function include(): Promise<void> {
    await untilPooled(anvil)
    await anvil.mine()
  }

  async function expectOneTransfer(receipt: Receipt): Promise<void> {
    expect(receipt).toMatchObject({ ok: true, stage: 'included' })
    expect(await anvil.rpc('eth_getTransactionReceipt', [receipt.txId])).toMatchObject({ status: '0x1' })
    expect(await anvil.rpc('eth_getTransactionCount', [anvil.accounts[0]!.address, 'latest'])).toBe('0x1')
  }

  it(
    'right after `accepted`: same address, included, and the promise of submit resolves',
    async () => {
      const receipt = await submitAnd(anvil.chainId, signedTx, 'accepted', async () => {
        await kill9(broadcaster)
        expect(await processesWith(folder.path)).toEqual([expect.stringContaining('bin/postgres')])
        await restart()
        await include()
      })
      expect(receipt.durability).toBe('fsync')
      await expectOneTransfer(receipt)
    },
    recoveryLimitMs,
  )

  it(
    'before `accepted`: the message waits at the gateway or is repeated',
    async () => {
      const receipt = await submitAnd(anvil.chainId, signedTx, 'sending', async () => {
        await kill9(broadcaster)
        await restart()
        await include()
      })
      await expectOneTransfer(receipt)
    },
    recoveryLimitMs,
  )

  it(
    'again and again, while it opens its store and while it connects',
    async () => {
      const receipt = await submitAnd(anvil.chainId, signedTx, 'accepted', async () => {
        await kill9(broadcaster)
        for (const step of [/opening the embedded store/, /connecting to the mixnet/]) {
          const attempt = startBroadcaster(configFile)
          await attempt.said(step)
          await kill9(attempt)
        }
        await restart()
        await include()
      })
      await expectOneTransfer(receipt)
    },
    recoveryLimitMs,
  )
})

cosmosOrSkip('kill -9 of the broadcaster, Cosmos', () => {
  let chain: CosmosChain
  afterEach(() => chain?.stop())

  it(
    'right after `accepted`: included, and the promise of submit resolves',
    async () => {
      // Long enough that no block comes between `accepted` and the kill.
      chain = await startCosmosChain({ blockTimeMs: 4000 })
      const configFile = await writeConfig(folder.path, localnet, [cosmosSetup(chain)])
      broadcaster = await runBroadcaster(configFile)
      client = await startClient(broadcaster.address)
      const [from, to] = chain.accounts
      const signedTx = await signMsgSend(chain, { from: from!, to: to!.address, amount: 7 })
      const receipt = await submitAnd(chain.chainId, signedTx, 'accepted', async () => {
        await kill9(broadcaster)
        broadcaster = await runBroadcaster(configFile)
      })
      // Final at once on such a chain: that is what `status` may answer as well.
      expect(receipt.ok).toBe(true)
      const found = await chain.rpc<{ tx_result: { code: number } }>('tx', {
        hash: Buffer.from(receipt.txId, 'hex').toString('base64'),
      })
      expect(found.tx_result.code).toBe(0)
    },
    recoveryLimitMs,
  )
})

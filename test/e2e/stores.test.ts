import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import {
  type Anvil,
  type CosmosChain,
  findCosmosBinary,
  startAnvil,
  startCosmosChain,
} from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { signEthTransfer, signMsgSend } from '../support/devnetSign.ts'
import {
  anvilSetup,
  cosmosSetup,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../support/path.ts'
import {
  describeWithRedis,
  type StoreServer,
  startEmbedded,
  startPostgres,
  startRedis,
} from '../support/store.ts'

const startLimitMs = 180_000
const runLimitMs = 60_000

pathOver('embedded Postgres', startEmbedded)
pathOver('a Postgres of the operator', startPostgres)
describeWithRedis('Redis', () => pathOver('Redis', () => startRedis()))

function pathOver(name: string, startServer: () => Promise<StoreServer>): void {
  describe(`the whole path over ${name}`, () => {
    let server: StoreServer
    let anvil: Anvil
    let cosmos: CosmosChain | undefined
    let broadcaster: TestBroadcaster
    let client: VeilcastClient
    const loopback = createLoopback({ seed: 6 })
    const secret = randomBytes(32)

    async function startBroadcaster(store = server.open()): Promise<TestBroadcaster> {
      return startTestBroadcaster({
        listener: loopback.listener('broadcaster'),
        store,
        chains: [anvilSetup(anvil), ...(cosmos ? [cosmosSetup(cosmos)] : [])],
        secret,
      })
    }

    beforeAll(async () => {
      server = await startServer()
      anvil = await startAnvil({ blockTimeMs: 300 })
      if (findCosmosBinary() !== undefined) cosmos = await startCosmosChain()
      broadcaster = await startBroadcaster()
      client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    }, startLimitMs)

    afterAll(async () => {
      await client?.stop()
      await broadcaster?.stop()
      await server?.stop()
      await cosmos?.stop()
      await anvil?.stop()
    }, startLimitMs)

    it(
      'twenty EVM transfers of five accounts, shuffled',
      async () => {
        const signed = await Promise.all(
          [0, 1, 2, 3, 4].flatMap((account) =>
            [0, 1, 2, 3].map((nonce) =>
              signEthTransfer(anvil, {
                from: anvil.accounts[account]!,
                to: anvil.accounts[9]!.address,
                valueWei: 1n,
                nonce,
              }),
            ),
          ),
        )
        const shuffled = signed
          .map((tx, index) => ({ tx, rank: (index * 7) % 20 }))
          .sort((a, b) => a.rank - b.rank)
        const receipts = await Promise.all(
          shuffled.map(({ tx }) => client.submit({ chain: anvil.chainId, signedTx: tx })),
        )
        expect(receipts.map(({ ok }) => ok)).toEqual(receipts.map(() => true))
        expect(new Set(receipts.map(({ txId }) => txId)).size).toBe(20)
      },
      runLimitMs,
    )

    cosmosOrSkip('and a Cosmos chain', () => {
      it(
        'a MsgSend',
        async () => {
          const chain = cosmos!
          const [from, to] = [chain.accounts[0]!, chain.accounts[1]!]
          const signedTx = await signMsgSend(chain, { from, to: to.address, amount: 7 })
          expect((await client.submit({ chain: chain.chainId, signedTx })).ok).toBe(true)
        },
        runLimitMs,
      )
    })

    it(
      'a transaction that was accepted before the broadcaster stopped is included after it came back',
      async () => {
        await anvil.setBlockTime(0)
        await anvil.setAutomine(false)
        const signedTx = await signEthTransfer(anvil, {
          from: anvil.accounts[5]!,
          to: anvil.accounts[9]!.address,
          valueWei: 1n,
        })
        const accepted = await client.submit({ chain: anvil.chainId, signedTx, until: 'accepted' })
        expect(accepted.durability).toBe('fsync')
        await broadcaster.stop()
        broadcaster = await startBroadcaster()
        await anvil.setBlockTime(1000)
        expect((await client.submit({ chain: anvil.chainId, signedTx })).ok).toBe(true)
      },
      runLimitMs,
    )
  })
}

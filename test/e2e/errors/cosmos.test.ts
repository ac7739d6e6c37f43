import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type CosmosChain, startCosmosChain } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { cosmosOrSkip } from '../../support/devnetCosmos.ts'
import { signMsgSend } from '../../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../../support/faultyEndpoint.ts'
import {
  cosmosSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../../support/path.ts'
import { until } from '../../support/until.ts'
import { type CosmosScene, cosmosRows } from './cosmos.rows.ts'
import { playRows } from './errorRow.ts'

cosmosOrSkip('a Cosmos chain', () => {
  let chain: CosmosChain
  let endpoint: FaultyEndpoint
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let scene: CosmosScene
  /** Dave's next, and the last that he sent: one after each row. */
  let sequence = 0
  let goodTx: Uint8Array
  const daves = (sequence: number) => {
    const [, bob, , dave] = chain.accounts
    return signMsgSend(chain, { from: dave!, to: bob!.address, amount: 1, sequence, accountNumber: 4 })
  }

  beforeAll(async () => {
    const loopback = createLoopback({ seed: 24 })
    folder = await makeFolder()
    chain = await startCosmosChain({ blockTimeMs: 200 })
    endpoint = await startFaultyEndpoint(chain.rpcUrl)
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [{ ...cosmosSetup(chain, endpoint.url), requestTimeoutMs: 2_000 }],
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    const submitted: Uint8Array[] = []
    const untilLive = (live: boolean) =>
      until(async () => (await client.info()).chains.every((one) => one.live === live))
    scene = {
      chain,
      client,
      endpoint,
      submitted,
      untilLive,
      submit(signedTx, { timeoutMs = 20_000, ...more } = {}) {
        submitted.push(signedTx)
        return client.submit({ chain: chain.chainId, signedTx, ...more }, { timeoutMs })
      },
      async serves() {
        await untilLive(true)
        goodTx = await daves(sequence++)
        await client.submit(
          { chain: chain.chainId, signedTx: goodTx, until: 'accepted' },
          { timeoutMs: 20_000 },
        )
      },
    }
  }, 120_000)

  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await endpoint?.stop()
    await chain?.stop()
    await folder?.remove()
  }, 60_000)

  playRows(cosmosRows, () => scene)

  it('what was accepted after each row is on chain', async () => {
    expect(await scene.submit(goodTx)).toMatchObject({ ok: true })
    expect(sequence).toBe(cosmosRows.length)
  })

  it('what fails in delivery is a receipt that is not ok, with the code and codespace of the block', async () => {
    const [, bob, carol] = chain.accounts
    const signedTx = await signMsgSend(chain, { from: carol!, to: bob!.address, amount: 2_000_000_000_000 })
    expect(await scene.submit(signedTx)).toMatchObject({
      ok: false,
      state: { inclusion: { code: 5, codespace: 'sdk' } },
    })
  })

  it('a sequence that this very transaction used is success', async () => {
    const [, bob, carol] = chain.accounts
    const signedTx = await signMsgSend(chain, { from: carol!, to: bob!.address, amount: 1 })
    const { hash } = await chain.rpc<{ hash: string }>('broadcast_tx_sync', {
      tx: Buffer.from(signedTx).toString('base64'),
    })
    await until(() =>
      chain.rpc('tx', { hash: Buffer.from(hash, 'hex').toString('base64') }).then(
        () => true,
        () => false,
      ),
    )
    expect(await scene.submit(signedTx)).toMatchObject({ txId: hash, ok: true })
  })
})

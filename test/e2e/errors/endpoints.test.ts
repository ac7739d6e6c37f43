import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { hexToBytes } from 'viem'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../../support/faultyEndpoint.ts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../../support/path.ts'
import { until } from '../../support/until.ts'
import { type EndpointScene, endpointRows, passedOn } from './endpoints.rows.ts'
import { playRows } from './errorRow.ts'

describe('an endpoint that does not behave', () => {
  let anvil: Anvil
  let other: Anvil
  let endpoint: FaultyEndpoint
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let scene: EndpointScene

  beforeAll(async () => {
    const loopback = createLoopback({ seed: 23 })
    folder = await makeFolder()
    anvil = await startAnvil()
    other = await startAnvil({ chainId: 5 })
    endpoint = await startFaultyEndpoint(anvil.rpcUrl)
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [
        anvilSetup(anvil, endpoint.url, {
          finality: { rule: 'instant' },
          requestTimeoutMs: 1_000,
          probeIntervalMs: 100,
        }),
      ],
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
    const submitted: Uint8Array[] = []
    const untilLive = (live: boolean) =>
      until(async () => (await client.info()).chains.every((chain) => chain.live === live))
    scene = {
      anvil,
      other,
      client,
      endpoint,
      submitted,
      untilLive,
      submit(signedTx, timeoutMs = 10_000) {
        submitted.push(hexToBytes(signedTx))
        return client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs })
      },
      async serves() {
        await untilLive(true)
        const [from, to] = [anvil.accounts[9]!, anvil.accounts[8]!.address]
        const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n })
        const receipt = await client.submit({ chain: anvil.chainId, signedTx }, { timeoutMs: 20_000 })
        expect(receipt.ok).toBe(true)
      },
    }
  }, 120_000)

  afterAll(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await endpoint?.stop()
    await anvil?.stop()
    await other?.stop()
    await folder?.remove()
  }, 60_000)

  playRows(endpointRows, () => scene)

  it('hangs at what a wallet reads: that is not held against it, and nobody else waits', async () => {
    endpoint.set({ mode: 'hang', methods: ['eth_gasPrice'] })
    try {
      const reading = client.read({ chain: anvil.chainId, method: 'eth_gasPrice' })
      await expect(reading).rejects.toMatchObject({ errorName: 'noLiveEndpoint', outcome: 'notSent' })
      expect((await client.info()).chains).toMatchObject([{ live: true }])
      await scene.serves()
    } finally {
      endpoint.set({ mode: 'pass' })
    }
  })

  it.each(passedOn)(
    'passes the transaction on and then $says: it is included all the same',
    async ({ fault }) => {
      const [from, to] = [anvil.accounts[2]!, anvil.accounts[8]!.address]
      const signedTx = await signEthTransfer(anvil, { from, to, valueWei: 1n })
      endpoint.set({ ...fault, methods: ['eth_sendRawTransaction'] })
      try {
        expect(await scene.submit(signedTx, 20_000)).toMatchObject({ ok: true })
      } finally {
        endpoint.set({ mode: 'pass' })
      }
      await scene.serves()
    },
  )
})

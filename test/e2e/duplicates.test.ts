import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { signEthTransfer } from '../support/devnetSign.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../support/faultyEndpoint.ts'
import {
  anvilSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../support/path.ts'

describe('the same transaction, more than once', () => {
  let anvil: Anvil
  let proxy: FaultyEndpoint
  let broadcaster: TestBroadcaster
  let clients: VeilcastClient[] = []
  let folder: Awaited<ReturnType<typeof makeFolder>>
  const loopback = createLoopback({ seed: 4 })

  beforeAll(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({ blockTimeMs: 1000 })
    proxy = await startFaultyEndpoint(anvil.rpcUrl)
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil, proxy.url)],
    })
    clients = await Promise.all([0, 1].map(() => startTestClient(loopback.dialer(), [broadcaster.address()])))
  }, 120_000)

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.stop()))
    await broadcaster?.stop()
    await proxy?.stop()
    await anvil?.stop()
    await folder?.remove()
  })

  it('from two clients at once, and again once it is included: sent once, every asker answered', async () => {
    const sentBefore = proxy.calls('eth_sendRawTransaction')
    const signedTx = await signEthTransfer(anvil, {
      from: anvil.accounts[0]!,
      to: anvil.accounts[1]!.address,
      valueWei: 5n,
    })
    const submit = (client: VeilcastClient) => client.submit({ chain: anvil.chainId, signedTx })
    const receipts = await Promise.all([...clients, ...clients].map(submit))
    const again = await submit(clients[0]!)
    for (const receipt of [...receipts, again]) {
      expect(receipt.ok).toBe(true)
      expect(receipt.txId).toBe(again.txId)
    }
    expect(proxy.calls('eth_sendRawTransaction') - sentBefore).toBe(1)
  })
})

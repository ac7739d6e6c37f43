import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { createLoopback } from '@veilcast/shared/mixnet/loopback'
import { keccak256 } from 'viem'
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
import { until } from '../support/until.ts'

const startLimitMs = 120_000
const runLimitMs = 60_000

// Reorganisations and replacements: watcher.test.ts.
describe('a chain that does not behave', () => {
  let anvil: Anvil
  let proxy: FaultyEndpoint
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let folder: Awaited<ReturnType<typeof makeFolder>>

  async function start(more: (proxyUrl: string) => object): Promise<void> {
    const loopback = createLoopback({ seed: 7 })
    broadcaster = await startTestBroadcaster({
      listener: loopback.listener(),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil, proxy.url, more(proxy.url))],
    })
    client = await startTestClient(loopback.dialer(), [broadcaster.address()])
  }

  beforeEach(async () => {
    folder = await makeFolder()
    anvil = await startAnvil({})
    proxy = await startFaultyEndpoint(anvil.rpcUrl)
  }, startLimitMs)

  afterEach(async () => {
    await client?.stop()
    await broadcaster?.stop()
    await proxy?.stop()
    await anvil?.stop()
    await folder?.remove()
  }, startLimitMs)

  function transfer(account = 0): Promise<`0x${string}`> {
    return signEthTransfer(anvil, {
      from: anvil.accounts[account]!,
      to: anvil.accounts[9]!.address,
      valueWei: 1n,
    })
  }

  it(
    'hangs at one endpoint: the next one is handed the transaction',
    async () => {
      await start((url) => ({
        endpoints: [
          { id: 'hangs', url },
          { id: 'works', url: anvil.rpcUrl },
        ],
        requestTimeoutMs: 500,
      }))
      proxy.set({ mode: 'hang', methods: ['eth_sendRawTransaction'] })
      // Endpoints are drawn at random: of eight transactions some meet the one that hangs.
      const receipts = await Promise.all(
        [0, 1, 2, 3, 4, 5, 6, 7].map(async (account) =>
          client.submit({ chain: anvil.chainId, signedTx: await transfer(account) }),
        ),
      )
      expect(receipts.every(({ ok }) => ok)).toBe(true)
      expect(proxy.calls('eth_sendRawTransaction')).toBeGreaterThan(0)
    },
    runLimitMs,
  )

  it(
    'answers only after notAfter: what is late is never sent, though a later one of its account brings it along',
    async () => {
      await start(() => ({}))
      proxy.set({ mode: '500', methods: ['eth_getTransactionCount'] })
      const from = anvil.accounts[0]!
      const to = anvil.accounts[9]!.address
      const [late, later] = await Promise.all(
        [0, 1].map((nonce) => signEthTransfer(anvil, { from, to, valueWei: 1n, nonce })),
      )
      const notAfter = Math.floor(Date.now() / 1000) + 2
      const lapsing = client.submit({ chain: anvil.chainId, signedTx: late!, notAfter })
      const following = client.submit({ chain: anvil.chainId, signedTx: later!, until: 'accepted' })
      await following
      await until(() => Date.now() / 1000 > notAfter)
      proxy.set({ mode: 'pass' })
      await expect(lapsing).rejects.toMatchObject({ errorName: 'lapsed', outcome: 'notSent' })
      expect(await anvil.rpc('eth_getTransactionByHash', [keccak256(late!)])).toBeNull()
      // The lane moved on: an EVM chain takes a gap.
      await until(async () => (await anvil.rpc('eth_getTransactionByHash', [keccak256(later!)])) !== null)
    },
    runLimitMs,
  )
})

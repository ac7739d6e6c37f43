import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { VeilcastClient } from '@veilcast/client'
import { type Anvil, type CosmosChain, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { type Localnet, startLocalnet, startNativeClientStandIn } from '@veilcast/localnet'
import type { MixnetDialer, MixnetListener } from '@veilcast/shared/mixnet'
import { createNymSocketDialer, createNymSocketListener } from '@veilcast/shared/mixnet/nym-socket'
import { createNymWasmDialer, createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { signEthTransfer, signMsgSend } from '../support/devnetSign.ts'
import {
  anvilSetup,
  type ChainSetup,
  cosmosSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  startTestClient,
  type TestBroadcaster,
} from '../support/path.ts'

const startLimitMs = 180_000
const runLimitMs = 90_000

// Nym sends a packet again whose acknowledgement is late, as it may be on a busy machine: then a transfer that fits one
// packet is seen to take two.
jest.retryTimes(2, { logErrorsBeforeRetry: true })

interface Ends {
  readonly dialer: MixnetDialer
  readonly listener: MixnetListener
  stop(): Promise<unknown>
}

/** Each transport that can carry the whole path in Node. The browser's is in browser/. */
const transports: readonly { readonly name: string; open(localnet: Localnet): Promise<Ends> }[] = [
  {
    name: 'nymWasm at both ends',
    async open({ nymApiUrl, preferredGateway }) {
      return {
        dialer: createNymWasmDialer({ nymApiUrl, preferredGateway, coverTraffic: 'light' }),
        listener: createNymWasmListener({ nymApiUrl, preferredGateway, coverTraffic: 'light' }),
        stop: async () => {},
      }
    },
  },
  {
    name: 'nymSocket at both ends',
    async open({ nymApiUrl, preferredGateway }) {
      const open = () =>
        startNativeClientStandIn({ nymApiUrl, preferredGateway, messageSendingAverageDelayMs: 100 })
      const [wallet, service] = await Promise.all([open(), open()])
      return {
        dialer: createNymSocketDialer({ url: wallet.url }),
        listener: createNymSocketListener({ url: service.url }),
        stop: () => Promise.all([wallet.stop(), service.stop()]),
      }
    },
  },
]

describe.each(transports)('the whole path over $name, cover and pacing on', ({ open }) => {
  let localnet: Localnet
  let ends: Ends
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let broadcaster: TestBroadcaster
  let client: VeilcastClient
  let anvil: Anvil
  let cosmos: CosmosChain | undefined

  async function start(chains: readonly ChainSetup[]): Promise<void> {
    folder = await makeFolder()
    localnet = await startLocalnet({ seed: 5 })
    ends = await open(localnet)
    broadcaster = await startTestBroadcaster({
      listener: ends.listener,
      store: embeddedStore(folder.path),
      chains,
    })
    client = await startTestClient(ends.dialer, [broadcaster.address()])
  }

  async function stop(): Promise<void> {
    await client?.stop()
    await broadcaster?.stop()
    await ends?.stop()
    await localnet?.stop()
    await folder?.remove()
  }

  /** Data packets that went up from the wallet, and those that came back, once all have arrived. */
  async function packetsOf(work: () => Promise<unknown>): Promise<{ up: number; back: number }> {
    const read = () => {
      const { clients } = localnet.counters()
      const service = broadcaster.address().split('.')[0]!
      return {
        up: Object.entries(clients).reduce(
          (sum, [id, one]) => sum + (id === service ? 0 : one.dataPacketsUp),
          0,
        ),
        back: clients[service]?.dataPacketsUp ?? 0,
      }
    }
    const before = read()
    await work()
    // The last reply was heard, so that its packet has arrived: only what was sent beside it may still be on its way.
    const after = read()
    return { up: after.up - before.up, back: after.back - before.back }
  }

  describe('to an EVM chain', () => {
    beforeAll(async () => {
      anvil = await startAnvil({ blockTimeMs: 500 })
      await start([anvilSetup(anvil)])
    }, startLimitMs)
    afterAll(async () => {
      await stop()
      await anvil?.stop()
    })

    it(
      'a transfer goes up in one packet, and each reply comes back in one',
      async () => {
        const signedTx = await signEthTransfer(anvil, {
          from: anvil.accounts[0]!,
          to: anvil.accounts[1]!.address,
          valueWei: 10n ** 17n,
        })
        let heard = 0
        const packets = await packetsOf(async () => {
          const receipt = await client.submit({ chain: anvil.chainId, signedTx, until: 'included' })
          expect(receipt.ok).toBe(true)
          heard = receipt.messages.received
        })
        expect(packets).toEqual({ up: 1, back: heard })
      },
      runLimitMs,
    )

    it(
      'until final',
      async () => {
        const signedTx = await signEthTransfer(anvil, {
          from: anvil.accounts[2]!,
          to: anvil.accounts[1]!.address,
          valueWei: 1n,
        })
        const receipt = await client.submit({ chain: anvil.chainId, signedTx, until: 'final' })
        expect(receipt.stage).toBe('final')
      },
      runLimitMs,
    )

    it(
      'a deployment of many packets',
      async () => {
        const signedTx = await signEthTransfer(anvil, {
          from: anvil.accounts[3]!,
          to: undefined as never,
          valueWei: 0n,
          gas: 6_000_000n,
          // Returns 24,576 bytes of code: PUSH2 0x6000, PUSH0, RETURN, and as many bytes of ballast.
          data: `0x6160005ff3${'00'.repeat(24_576)}`,
        })
        const receipt = await client.submit({ chain: anvil.chainId, signedTx, until: 'included' })
        expect(receipt.ok).toBe(true)
      },
      runLimitMs,
    )
  })

  cosmosOrSkip('to a Cosmos chain', () => {
    beforeAll(async () => {
      cosmos = await startCosmosChain()
      await start([cosmosSetup(cosmos)])
    }, startLimitMs)
    afterAll(async () => {
      await stop()
      await cosmos?.stop()
    })

    it(
      'a MsgSend goes up in one packet, and each reply comes back in one',
      async () => {
        const chain = cosmos!
        const [from, to] = [chain.accounts[0]!, chain.accounts[1]!]
        const signedTx = await signMsgSend(chain, { from, to: to.address, amount: 7 })
        let heard = 0
        const packets = await packetsOf(async () => {
          const receipt = await client.submit({ chain: chain.chainId, signedTx, until: 'included' })
          expect(receipt.ok).toBe(true)
          heard = receipt.messages.received
        })
        expect(packets).toEqual({ up: 1, back: heard })
      },
      runLimitMs,
    )
  })
})

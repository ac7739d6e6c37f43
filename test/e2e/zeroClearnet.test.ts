import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, type CosmosChain, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { exampleOf, fillIn, type Places, runRecorded, strayContacts } from '../support/guide.ts'
import {
  anvilSetup,
  cosmosSetup,
  embeddedStore,
  makeFolder,
  startTestBroadcaster,
  type TestBroadcaster,
} from '../support/path.ts'

const startLimitMs = 120_000
const exampleLimitMs = 60_000

/**
 * Each guide's example as it stands on its page, in a process of its own, on chains that go by the names which the page uses. Every
 * socket and look-up of that process is on record: there is the gateway and nym-api, and nothing else.
 */
describe('zero clearnet', () => {
  let localnet: Localnet
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let anvil: Anvil
  let broadcaster: TestBroadcaster
  let places: Places
  let mixnetOnly: string[]

  async function open(cosmos?: CosmosChain): Promise<void> {
    localnet = await startLocalnet({ seed: 9 })
    folder = await makeFolder()
    anvil = await startAnvil({ chainId: 1, blockTimeMs: 1000 })
    broadcaster = await startTestBroadcaster({
      listener: createNymWasmListener({
        nymApiUrl: localnet.nymApiUrl,
        preferredGateway: localnet.preferredGateway,
        coverTraffic: 'light',
      }),
      store: embeddedStore(folder.path),
      chains: [anvilSetup(anvil), ...(cosmos ? [cosmosSetup(cosmos)] : [])],
    })
    places = {
      nymApiUrl: localnet.nymApiUrl,
      gateway: localnet.preferredGateway,
      broadcaster: broadcaster.address(),
      evmKey: anvil.accounts[0]!.privateKey,
      cosmosMnemonic: cosmos?.accounts[0]?.mnemonic ?? '',
    }
    mixnetOnly = [localnet.nymApiUrl, localnet.gatewayUrl].map((url) => new URL(url).host)
  }

  async function close(): Promise<void> {
    await broadcaster?.stop()
    await anvil?.stop()
    await localnet?.stop()
    await folder?.remove()
  }

  const run = (page: string) => runRecorded(fillIn(exampleOf(page), places), exampleLimitMs)

  describe('on an EVM chain', () => {
    beforeAll(() => open(), startLimitMs)
    afterAll(close)

    it.each(['viem.md', 'ethers.md', 'wagmi.md'])(
      '%s: its example sends, waits for the receipt, and touches the mixnet only',
      async (page) => {
        const outcome = await run(page)
        expect(outcome.output).toMatch(/^\d[\d.]* ether\nsuccess in block [1-9]\d*\n$/)
        expect(outcome.exitCode).toBe(0)
        expect(strayContacts(outcome, mixnetOnly)).toEqual([])
        expect(outcome.contacts).toContainEqual({ kind: 'tcp', to: mixnetOnly[1] })
      },
      exampleLimitMs,
    )

    it(
      'this test can fail: an RPC endpoint asked in the clear, from a worker too, and a name looked up',
      async () => {
        const endpoint = new URL(anvil.rpcUrl).host
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
        const ask = `await fetch('${anvil.rpcUrl}', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '${body}' })`
        const inTheClear = await runRecorded(ask, exampleLimitMs)
        expect(strayContacts(inTheClear, mixnetOnly)).toEqual([`tcp ${endpoint}`])
        const inWorker = await runRecorded(
          `import { Worker } from 'node:worker_threads'
           new Worker(${JSON.stringify(`(async () => { ${ask} })()`)}, { eval: true })`,
          exampleLimitMs,
        )
        expect(strayContacts(inWorker, mixnetOnly)).toEqual([`tcp ${endpoint}`])
        const lookedUp = await runRecorded(
          `import { lookup } from 'node:dns/promises'
           await lookup('rpc.veilcast.invalid').catch(() => undefined)`,
          exampleLimitMs,
        )
        expect(strayContacts(lookedUp, mixnetOnly)).toEqual(['lookup rpc.veilcast.invalid'])
      },
      exampleLimitMs,
    )
  })

  cosmosOrSkip('on a Cosmos chain', () => {
    let cosmos: CosmosChain
    beforeAll(async () => {
      cosmos = await startCosmosChain({ reference: 'cosmoshub-4', blockTimeMs: 500 })
      await open(cosmos)
    }, startLimitMs)
    afterAll(async () => {
      await close()
      await cosmos?.stop()
    })

    it.todo('cosmjs.md')
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, type CosmosChain, startAnvil, startCosmosChain } from '@veilcast/devnet'
import { type Localnet, startLocalnet } from '@veilcast/localnet'
import { createNymWasmListener } from '@veilcast/shared/mixnet/nym-wasm'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { signEthTransfer } from '../support/devnetSign.ts'
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
const runLimitMs = 45_000
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
    await deployMulticall3(anvil)
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

  const run = (example: string, setting = '') => runRecorded(setting + fillIn(example, places), runLimitMs)

  const commandLine = (words: readonly string[], folder: string) => {
    const all = [
      ...words,
      ...['--broadcaster', places.broadcaster, '--nym-api', places.nymApiUrl, '--gateway', places.gateway],
      ...['--cover', 'light', '--journal', join(folder, 'journal')],
    ]
    const command = join(__dirname, '../../client/bin/veilcast.js')
    return `process.argv.push(...${JSON.stringify(all)})\nawait import(${JSON.stringify(command)})`
  }

  describe('on an EVM chain', () => {
    beforeAll(() => open(), startLimitMs)
    afterAll(close)

    it.each([
      ['viem.md', ''],
      ['ethers.md', ''],
      // wagmi's connector is for pages.
      ['wagmi.md', 'globalThis.window = new EventTarget()\n'],
    ])(
      '%s: its example sends, waits for the receipt, and touches the mixnet only',
      async (page, setting) => {
        const outcome = await run(exampleOf(page), setting)
        expect(outcome.output).toMatch(/^\d[\d.]* ether\nsuccess in block [1-9]\d*\n$/)
        expect(outcome.exitCode).toBe(0)
        expect(strayContacts(outcome, mixnetOnly)).toEqual([])
        expect(outcome.contacts).toContainEqual({ kind: 'tcp', to: mixnetOnly[1] })
      },
      exampleLimitMs,
    )

    it(
      'web3 sends, waits for the receipt, and touches the mixnet only',
      async () => {
        const outcome = await run(throughWeb3)
        expect(outcome.output).toMatch(/^1 in block [1-9]\d*\n$/)
        expect(outcome.exitCode).toBe(0)
        expect(strayContacts(outcome, mixnetOnly)).toEqual([])
        expect(outcome.contacts).toContainEqual({ kind: 'tcp', to: mixnetOnly[1] })
      },
      exampleLimitMs,
    )

    it(
      'the local RPC endpoint, asked and sent through by viem and ethers as they come, touches the mixnet only',
      async () => {
        const outcome = await run(throughEndpoint)
        const [, port] = /^endpoint (\d+)$/m.exec(outcome.output) ?? []
        expect(outcome.output).toMatch(/\n10000 or less\nsuccess\n$/)
        expect(outcome.exitCode).toBe(0)
        expect(strayContacts(outcome, mixnetOnly)).toEqual([`tcp 127.0.0.1:${port}`])
      },
      exampleLimitMs,
    )

    it(
      'the command line, with a journal, touches the mixnet only',
      async () => {
        const [from, to] = anvil.accounts
        const signedTx = await signEthTransfer(anvil, { from: from!, to: to!.address, valueWei: 1n })
        const outcome = await runRecorded(
          commandLine(['submit', '--chain', 'eip155:1', '--tx', signedTx, '--json'], folder.path),
          runLimitMs,
        )
        expect(outcome.output).toContain('"stage":"included"')
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
        const inTheClear = await runRecorded(ask, runLimitMs)
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

    it(
      'cosmjs.md: its example sends, says what became of it, and touches the mixnet only',
      async () => {
        const example = exampleOf('cosmjs.md')
        expect(example).toContain('uatom')
        const outcome = await runRecorded(
          fillIn(example.replaceAll('uatom', cosmos.denom), places),
          runLimitMs,
        )
        expect(outcome.output).toMatch(/^\d+ stake\ncode 0 in block [1-9]\d*\n$/)
        expect(outcome.exitCode).toBe(0)
        expect(strayContacts(outcome, mixnetOnly)).toEqual([])
        expect(outcome.contacts).toContainEqual({ kind: 'tcp', to: mixnetOnly[1] })
      },
      exampleLimitMs,
    )
  })
})

const throughWeb3 = `
  import { createClient } from '@veilcast/client'
  import { createEip1193Provider } from '@veilcast/client/eip1193'
  import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
  import { privateKeyToAccount } from 'viem/accounts'
  import { Web3 } from 'web3'

  const client = createClient({
    mixnet: createNymWasmDialer({ nymApiUrl: 'https://validator.nymtech.net/api' }),
    broadcasters: ['<identity>.<encryption key>@<gateway>'],
  })
  await client.start()
  const signer = privateKeyToAccount('0x<private key>')
  const web3 = new Web3(createEip1193Provider({ client, chains: ['eip155:1'], signer }))
  const receipt = await web3.eth.sendTransaction({ from: signer.address, to: signer.address, value: '1' })
  console.log(receipt.status + ' in block ' + receipt.blockNumber)
  // Beside the receipt web3 asks for the newest block, and logs what becomes of the last question: an equal one ends with it.
  await web3.eth.getBlockNumber()
  await client.stop()
`

const throughEndpoint = `
  import { createClient } from '@veilcast/client'
  import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
  import { serveRpc } from '@veilcast/client/rpc'
  import { JsonRpcProvider } from 'ethers'
  import { createPublicClient, createWalletClient, http, parseEther } from 'viem'
  import { privateKeyToAccount } from 'viem/accounts'
  import { mainnet } from 'viem/chains'

  const client = createClient({
    mixnet: createNymWasmDialer({ nymApiUrl: 'https://validator.nymtech.net/api' }),
    broadcasters: ['<identity>.<encryption key>@<gateway>'],
  })
  await client.start()
  const endpoint = await serveRpc({ client, port: 0 })
  console.log('endpoint ' + endpoint.port)
  const [{ url }] = await endpoint.urls()
  const account = privateKeyToAccount('0x<private key>')
  const provider = new JsonRpcProvider(url, 1, { staticNetwork: true })
  const balance = await provider.getBalance(account.address)
  console.log(balance <= parseEther('10000') ? '10000 or less' : 'more')
  provider.destroy()
  const wallet = createWalletClient({ account, chain: mainnet, transport: http(url) })
  const hash = await wallet.sendTransaction({ to: account.address, value: 1n })
  const reader = createPublicClient({ chain: mainnet, transport: http(url) })
  console.log((await reader.waitForTransactionReceipt({ hash })).status)
  await endpoint.stop()
  await client.stop()
`

/** Where mainnet has it, and where viem and wagmi look for it: its code as viem carries it. */
async function deployMulticall3(anvil: Anvil): Promise<void> {
  const constants = readFileSync(
    join(__dirname, '../../node_modules/viem/_cjs/constants/contracts.js'),
    'utf8',
  )
  const [, creationCode] = /multicall3Bytecode = '(0x[0-9a-f]+)'/.exec(constants) ?? []
  const code = await anvil.rpc('eth_call', [{ data: creationCode }, 'latest'])
  await anvil.rpc('anvil_setCode', ['0xca11bde05977b3631167028862be2a173976ca11', code])
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { coins, DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import { calculateFee, GasPrice, SigningStargateClient } from '@cosmjs/stargate'
import { Comet38Client, HttpClient, WebsocketClient } from '@cosmjs/tendermint-rpc'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createClient, type VeilcastClient } from '@veilcast/client'
import { countTraffic, type RpcEndpoint, serveRpc } from '@veilcast/client/rpc'
import type { MixnetDialer } from '@veilcast/shared/mixnet'
import { Contract, JsonRpcProvider, Wallet, WebSocketProvider } from 'ethers'
import { createPublicClient, createWalletClient, defineChain, http, webSocket } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { Web3 } from 'web3'
import { counterAbi, counterBytecode } from '../support/counterContract.ts'
import { cosmosOrSkip } from '../support/devnetCosmos.ts'
import { signEthTransfer, signMsgSend } from '../support/devnetSign.ts'
import { until } from '../support/until.ts'
import { startWalletStack, type WalletStack } from '../support/walletStack.ts'

const startLimitMs = 180_000
const flowLimitMs = 60_000
const program = promisify(execFile)

interface Endpoint {
  readonly stack: WalletStack
  readonly client: VeilcastClient
  readonly endpoint: RpcEndpoint
  readonly url: string
  /** While true, what is sent to the broadcaster is lost. */
  readonly away: { is: boolean }
  stop(): Promise<void>
}

/** The endpoint over the local Nym network, as `veilcast rpc` puts it together. */
async function startEndpoint(chain: 'evm' | 'cosmos'): Promise<Endpoint> {
  const stack = await startWalletStack(
    chain === 'evm' ? { evm: { blockTimeMs: 500 } } : { evm: false, cosmos: { blockTimeMs: 300 } },
  )
  const away = { is: false }
  const { mixnet, traffic } = countTraffic(losing(stack.dialer(), away))
  const timing = { firstRepeatMs: 1_000, laterRepeatMs: 2_000, maxRepeatMs: 2_000 }
  const client = createClient({ mixnet, broadcasters: [stack.broadcasterAddress], timing })
  await client.start()
  const endpoint = await serveRpc({ client, port: 0, traffic, transport: 'nym-wasm', timeoutMs: 4_000 })
  return {
    stack,
    client,
    endpoint,
    away,
    url: (await endpoint.urls())[0]!.url,
    async stop() {
      await endpoint.stop()
      await client.stop()
      await stack.stop()
    },
  }
}

function losing(dialer: MixnetDialer, away: { readonly is: boolean }): MixnetDialer {
  return {
    start: (wait) => dialer.start(wait),
    stop: () => dialer.stop(),
    replies: () => dialer.replies(),
    async send(...message) {
      if (!away.is) await dialer.send(...message)
    },
  }
}

describe('wallets by an RPC URL, on an EVM chain', () => {
  let at: Endpoint
  beforeAll(async () => {
    at = await startEndpoint('evm')
  }, startLimitMs)
  afterAll(() => at?.stop())

  const chainOf = () =>
    defineChain({
      id: Number(at.stack.anvil.chainId.split(':')[1]),
      name: 'anvil',
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [at.url] } },
    })
  const payee = '0x00000000000000000000000000000000000000aa'

  it(
    'viem: a transfer, a contract and its event, over HTTP in batches and over a websocket',
    async () => {
      const chain = chainOf()
      const account = privateKeyToAccount(at.stack.anvil.accounts[0]!.privateKey)
      const transport = http(at.url, { batch: { batchSize: 100 } })
      const reader = createPublicClient({ chain, transport, pollingInterval: 250 })
      const wallet = createWalletClient({ account, chain, transport })
      const hearing = createPublicClient({ chain, transport: webSocket(at.url.replace('http', 'ws')) })

      const heads: bigint[] = []
      const stopHeads = hearing.watchBlockNumber({ onBlockNumber: (height) => heads.push(height) })
      const hash = await wallet.sendTransaction({ to: payee, value: 5n })
      const receipt = await reader.waitForTransactionReceipt({ hash })
      expect(receipt.status).toBe('success')
      expect(await reader.getBalance({ address: payee })).toBe(5n)

      const deploying = await wallet.deployContract({ abi: counterAbi, bytecode: counterBytecode })
      const { contractAddress } = await reader.waitForTransactionReceipt({ hash: deploying })
      const events: bigint[] = []
      const stopEvents = hearing.watchContractEvent({
        address: contractAddress!,
        abi: counterAbi,
        eventName: 'Set',
        onLogs: (logs) => events.push(...logs.map(({ args }) => args.value!)),
      })
      const contract = { address: contractAddress!, abi: counterAbi } as const
      await until(() => heads.length > 1)
      const setting = await wallet.writeContract({ ...contract, functionName: 'set', args: [42n] })
      await reader.waitForTransactionReceipt({ hash: setting })
      expect(await reader.readContract({ ...contract, functionName: 'get' })).toBe(42n)
      await until(() => events.length > 0)
      expect(events).toEqual([42n])
      await expect(
        reader.simulateContract({ ...contract, functionName: 'set', args: [1_000n] }),
      ).rejects.toThrow('TooLarge(uint256 value)')
      stopHeads()
      stopEvents()
      ;(await hearing.transport.getRpcClient()).close()
    },
    flowLimitMs,
  )

  it(
    'ethers 6: a transfer, a revert in its own terms, and blocks over a websocket',
    async () => {
      const provider = new JsonRpcProvider(at.url, undefined, { polling: true, pollingInterval: 250 })
      const socket = new WebSocketProvider(at.url.replace('http', 'ws'))
      try {
        const wallet = new Wallet(at.stack.anvil.accounts[1]!.privateKey, provider)
        const sent = await wallet.sendTransaction({ to: payee, value: 7n })
        const receipt = await sent.wait()
        expect(receipt!.status).toBe(1)
        expect(await provider.getTransactionCount(wallet.address)).toBe(1)
        await expect(
          wallet.sendTransaction({ to: payee, value: 10n ** 30n, gasLimit: 21_000n }),
        ).rejects.toMatchObject({ code: 'INSUFFICIENT_FUNDS' })

        const created = await wallet.sendTransaction({ data: counterBytecode })
        const { contractAddress } = (await created.wait())!
        const counter = new Contract(contractAddress!, ['function set(uint256)'], wallet)
        await expect(counter.getFunction('set').staticCall(0n)).rejects.toMatchObject({
          code: 'CALL_EXCEPTION',
          reason: 'zero',
        })
        const height = await new Promise((resolve) => socket.once('block', resolve))
        expect(height).toBeGreaterThan(0)
      } finally {
        provider.destroy()
        await socket.destroy()
      }
    },
    flowLimitMs,
  )

  it(
    'web3 4: a transfer',
    async () => {
      const web3 = new Web3(at.url)
      web3.eth.transactionPollingInterval = 250
      const account = web3.eth.accounts.wallet.add(at.stack.anvil.accounts[2]!.privateKey).get(0)!
      const { status } = await web3.eth.sendTransaction({ from: account.address, to: payee, value: '3' })
      expect(status).toBe(1n)
      expect(await web3.eth.getTransactionCount(account.address)).toBe(1n)
    },
    flowLimitMs,
  )

  it(
    'behavior: the broadcaster goes away and comes back: what is asked meanwhile is told so, and nothing is lost',
    async () => {
      const ask = async (method: string, params: unknown[] = []) => {
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
        const answer = await fetch(at.url, { method: 'POST', body })
        // biome-ignore lint/suspicious/noExplicitAny: what a wallet would look into
        return (await answer.json()) as any
      }
      const { anvil } = at.stack
      const balanceOf = (address: string) => ask('eth_getBalance', [address, 'latest'])
      const signedTx = await signEthTransfer(anvil, {
        from: anvil.accounts[3]!,
        to: `0x${'bb'.repeat(20)}`,
        valueWei: 17n,
      })
      at.away.is = true
      const sending = ask('eth_sendRawTransaction', [signedTx])
      const [read, known] = await Promise.all([balanceOf(anvil.accounts[8]!.address), ask('eth_chainId')])
      expect(read.error.data).toMatchObject({ name: 'replyTimeout', outcome: 'notSent' })
      expect(known.result).toBe('0x7a69')
      at.away.is = false

      const { result: hash } = await sending
      await until(async () => (await ask('eth_getTransactionReceipt', [hash])).result !== null)
      expect((await balanceOf(`0x${'bb'.repeat(20)}`)).result).toBe('0x11')
      const state = at.endpoint.state()
      expect(state.traffic!.messagesUp).toBeGreaterThan(10)
      expect(state.submits.map(({ stage }) => stage)).not.toContain('sending')
      expect(state.calls.every(({ inFlight }) => inFlight === 0)).toBe(true)
    },
    flowLimitMs,
  )
})

cosmosOrSkip('wallets by an RPC URL, on a Cosmos chain', () => {
  let at: Endpoint
  beforeAll(async () => {
    at = await startEndpoint('cosmos')
  }, startLimitMs)
  afterAll(() => at?.stop())

  const simd = async (...args: string[]) => {
    const { binary, home } = at.stack.cosmos
    if (binary.source === 'docker') throw new Error('The command line is run as a program.')
    const where = ['--home', home, '--node', at.url, '--output', 'json']
    const { stdout } = await program(binary.path, [...args, ...where])
    return JSON.parse(stdout)
  }

  it(
    'CosmJS: a transfer over HTTP, and new blocks over a websocket',
    async () => {
      const { cosmos } = at.stack
      const [from, to] = [cosmos.accounts[0]!, cosmos.accounts[1]!]
      const signer = await DirectSecp256k1HdWallet.fromMnemonic(from.mnemonic, {
        prefix: cosmos.bech32Prefix,
      })
      const gasPrice = GasPrice.fromString(cosmos.gasPrice)
      const comet = Comet38Client.create(new HttpClient(at.url))
      const wallet = await SigningStargateClient.createWithSigner(comet, signer, {
        gasPrice,
        broadcastPollIntervalMs: 250,
      })
      const fee = calculateFee(120_000, gasPrice)
      const result = await wallet.sendTokens(from.address, to.address, coins(5, cosmos.denom), fee)
      expect(result.code).toBe(0)
      expect(await wallet.getHeight()).toBeGreaterThan(0)

      const socket = new WebsocketClient(at.url.replace('http', 'ws'), (error) => {
        throw error
      })
      const hearing = Comet38Client.create(socket)
      const heights: number[] = []
      const listening = hearing.subscribeNewBlock().subscribe({
        next: ({ header }) => heights.push(header.height),
      })
      await until(() => heights.length >= 2)
      expect(heights[1]).toBeGreaterThan(heights[0]!)
      listening.unsubscribe()
      hearing.disconnect()
    },
    flowLimitMs,
  )

  it(
    "the chain's own command line: tx bank send, query tx, query bank balances, status",
    async () => {
      const { cosmos } = at.stack
      const [from, to] = [cosmos.accounts[2]!, cosmos.accounts[3]!]
      const sent = await simd(
        ...['tx', 'bank', 'send', from.name, to.address, `11${cosmos.denom}`, '--yes'],
        ...['--keyring-backend', 'test', '--chain-id', cosmos.reference, '--gas', 'auto'],
        ...['--gas-adjustment', '1.5', '--gas-prices', cosmos.gasPrice, '--broadcast-mode', 'sync'],
      )
      expect(sent).toMatchObject({ code: 0, txhash: expect.stringMatching(/^[0-9A-F]{64}$/) })
      await until(async () =>
        simd('query', 'tx', sent.txhash).then(
          ({ code }) => code === 0,
          () => false,
        ),
      )
      const { balances } = await simd('query', 'bank', 'balances', to.address)
      expect(balances).toEqual([{ denom: cosmos.denom, amount: '1000000000011' }])
      const { node_info } = await simd('status')
      expect(node_info.network).toBe(cosmos.reference)
      await expect(simd('query', 'tx', 'AB'.repeat(32))).rejects.toThrow('RPC error -32603')
    },
    flowLimitMs,
  )

  it(
    'curl: CometBFT by URI, and REST as Keplr asks it, a transaction included',
    async () => {
      const { cosmos } = at.stack
      const [from, to] = [cosmos.accounts[1]!, cosmos.accounts[0]!]
      const curl = async (path: string, ...more: string[]) => {
        const { stdout } = await program('curl', ['-sS', '-g', `${at.url}${path}`, ...more])
        return JSON.parse(stdout)
      }
      const { result } = await curl('/block?height=1')
      expect(result.block.header.chain_id).toBe(cosmos.reference)
      const { account } = await curl(`/cosmos/auth/v1beta1/accounts/${from.address}`)
      const signedTx = await signMsgSend(cosmos, {
        from,
        to: to.address,
        amount: 13,
        accountNumber: Number(account.account_number),
        sequence: Number(account.sequence),
      })
      const body = { tx_bytes: Buffer.from(signedTx).toString('base64'), mode: 'BROADCAST_MODE_SYNC' }
      const { tx_response } = await curl('/cosmos/tx/v1beta1/txs', '-d', JSON.stringify(body))
      expect(tx_response.code).toBe(0)
      const seen = () => curl(`/tx?hash=0x${tx_response.txhash}`)
      await until(async () => (await seen()).result !== undefined)
      expect((await seen()).result.tx_result.code).toBe(0)
    },
    flowLimitMs,
  )
})

import { setTimeout as sleep } from 'node:timers/promises'
import { DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import { calculateFee, GasPrice, SigningStargateClient } from '@cosmjs/stargate'
import { Comet38Client } from '@cosmjs/tendermint-rpc'
import type { VeilcastClient } from '@veilcast/client'
import { createRpcClient } from '@veilcast/client/cosmjs'
import { createEip1193Provider } from '@veilcast/client/eip1193'
import { serveRpc } from '@veilcast/client/rpc'
import { veilcast } from '@veilcast/client/viem'
import { CosmosChainUnavailable } from '@veilcast/devnet'
import { BrowserProvider } from 'ethers'
import { createPublicClient, createWalletClient, defineChain, http, parseEther } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { Web3 } from 'web3'
import { startWalletStack, type WalletCost, type WalletStack } from '../support/walletStack.ts'
import type { Bench, BenchContext, Ratio, Table } from './Bench.ts'
import { quantile } from './quantile.ts'
import { type Stops, withStops } from './stops.ts'

export const wallets: Bench = {
  name: 'wallets',
  title: 'What a wallet costs, by the library that it speaks',
  question: `How many messages and data packets a transfer takes when an unmodified library prepares it (nonce, fees, gas),
signs it, sends it and waits for its receipt, each counted on the way through the local Nym network; cover and pacing are off here, since a
client that waits for its processor repeats packets. The floor is one message to prepare and one to send. Then a wallet that asks
three things each second (\`eth_blockNumber\`, the balance, a call of a contract) at the local RPC endpoint, with pacing and light cover
on: against a message for each thing that it asks.`,
  async run(context) {
    const leftOut: string[] = []
    const transfers = await withStops((stops) => measureTransfers(context, stops, leftOut))
    const { quick } = context
    const minutes = [
      { blockSeconds: 12, seconds: quick ? 20 : 300 },
      { blockSeconds: 2, seconds: quick ? 10 : 60 },
    ]
    const polls: Polling[] = []
    for (const one of minutes) polls.push(await withStops((stops) => poll(context, stops, one)))
    return {
      tables: [transferTable(transfers), pollTable(polls)],
      ratios: [...transfers.flatMap(transferRatios), ...polls.flatMap(pollRatios)],
      charts: [
        {
          kind: 'bar',
          name: 'polling',
          title: 'Asked, and what it cost, per minute',
          y: { title: 'per minute' },
          categories: polls.map(({ blockSeconds }) => `a block every ${blockSeconds} s`),
          series: [
            { name: 'asked', values: polls.map(({ asked, seconds }) => (asked / seconds) * 60) },
            {
              name: 'data packets up',
              values: polls.map(({ cost, seconds }) => (cost.packetsUp / seconds) * 60),
            },
            {
              name: 'data packets down',
              values: polls.map(({ cost, seconds }) => (cost.packetsDown / seconds) * 60),
            },
          ],
        },
      ],
      notes: [
        'A wait costs no message of its own: what is counted there is the read of the receipt, once the broadcaster has told that it exists.',
        'Each thing asked is a request of its own over HTTP, all three at once, as wallets do it.',
      ],
      leftOut,
    }
  },
}

interface Transfer {
  readonly library: string
  readonly prepare: WalletCost
  readonly send: WalletCost
  readonly wait: WalletCost
}

/** Until packets that nobody waits for have arrived. */
const settleMs = 600

async function measureTransfers(
  { say, signal }: BenchContext,
  stops: Stops,
  leftOut: string[],
): Promise<readonly Transfer[]> {
  const stack = await startStack(leftOut)
  stops.add(stack.stop)
  const measured: Transfer[] = []
  const measure = async (library: string, steps: Steps) => {
    const costs: WalletCost[] = []
    for (const step of [steps.prepare, steps.send, steps.wait]) {
      signal.throwIfAborted()
      costs.push(
        await stack.costOf(async () => {
          await step()
          await sleep(settleMs, undefined, { signal })
        }),
      )
    }
    const [prepare, send, wait] = costs as [WalletCost, WalletCost, WalletCost]
    measured.push({ library, prepare, send, wait })
    say(
      `${library}: ${prepare.messagesUp} to prepare, ${send.messagesUp} to send, ${wait.messagesUp} to wait`,
    )
  }
  await measure('viem', viemSteps(stack))
  await measure('ethers 6', await ethersSteps(stack))
  await measure('web3 4', web3Steps(stack))
  if (!leftOut.length) {
    await measure('CosmJS, fee given', await cosmjsSteps(stack, false))
    await measure('CosmJS, fee estimated', await cosmjsSteps(stack, true))
  }
  return measured
}

async function startStack(leftOut: string[]): Promise<WalletStack> {
  const evm = { blockTimeMs: 2000 }
  try {
    return await startWalletStack({ evm, cosmos: true })
  } catch (error) {
    if (!(error instanceof CosmosChainUnavailable)) throw error
    leftOut.push(`the Cosmos chain (${error.message})`)
    return startWalletStack({ evm })
  }
}

interface Steps {
  prepare(): Promise<unknown>
  send(): Promise<unknown>
  wait(): Promise<unknown>
}

const valueWei = parseEther('0.001')

function viemSteps({ client, anvil }: WalletStack): Steps {
  const chain = chainOf(anvil.chainId)
  const account = privateKeyToAccount(keyOf(anvil.accounts, 0))
  const transport = veilcast({ client })
  const wallet = createWalletClient({ account, chain, transport })
  const reader = createPublicClient({ chain, transport })
  let signedTx: `0x${string}`
  let hash: `0x${string}`
  return {
    async prepare() {
      const request = await wallet.prepareTransactionRequest({ to: account.address, value: valueWei })
      signedTx = await wallet.signTransaction(request)
    },
    async send() {
      hash = await wallet.sendRawTransaction({ serializedTransaction: signedTx })
    },
    wait: () => reader.waitForTransactionReceipt({ hash }),
  }
}

/** ethers and web3 prepare and send in one call: its messages are told apart by which of them carries the transaction. */
async function ethersSteps({ client, anvil }: WalletStack): Promise<Steps> {
  const signer = privateKeyToAccount(keyOf(anvil.accounts, 1))
  const split = splitAtSubmit(client)
  const provider = new BrowserProvider(
    createEip1193Provider({ client: split.client, chains: [anvil.chainId], signer }),
  )
  const wallet = await provider.getSigner()
  let sending: ReturnType<typeof wallet.sendTransaction>
  return {
    async prepare() {
      sending = wallet.sendTransaction({ to: signer.address, value: valueWei })
      await split.reached
    },
    async send() {
      split.goOn()
      await sending
    },
    async wait() {
      await (await sending).wait()
      provider.destroy()
    },
  }
}

function web3Steps({ client, anvil }: WalletStack): Steps {
  const signer = privateKeyToAccount(keyOf(anvil.accounts, 2))
  const split = splitAtSubmit(client)
  const web3 = new Web3(
    createEip1193Provider({ client: split.client, chains: [anvil.chainId], signer }) as ConstructorParameters<
      typeof Web3
    >[0],
  )
  const told = { hash: () => {}, receipt: () => {} }
  const hash = new Promise<void>((resolve) => {
    told.hash = resolve
  })
  const receipt = new Promise<void>((resolve) => {
    told.receipt = resolve
  })
  return {
    async prepare() {
      const sending = web3.eth.sendTransaction({
        from: signer.address,
        to: signer.address,
        value: valueWei.toString(),
      })
      void sending.once('transactionHash', () => told.hash())
      void sending.once('receipt', () => told.receipt())
      await split.reached
    },
    async send() {
      split.goOn()
      await hash
    },
    wait: () => receipt,
  }
}

async function cosmjsSteps({ client, cosmos }: WalletStack, isEstimated: boolean): Promise<Steps> {
  const [from, to] = cosmos.accounts
  if (!from || !to) throw new Error('The chain has no accounts.')
  const signer = await DirectSecp256k1HdWallet.fromMnemonic(from.mnemonic, { prefix: cosmos.bech32Prefix })
  const split = splitAtSubmit(client)
  const gasPrice = GasPrice.fromString(cosmos.gasPrice)
  const wallet = await SigningStargateClient.createWithSigner(
    Comet38Client.create(createRpcClient(split.client, { chain: cosmos.chainId })),
    signer,
    { gasPrice },
  )
  const fee = isEstimated ? 'auto' : calculateFee(120_000, gasPrice)
  let sending: ReturnType<typeof wallet.sendTokens>
  return {
    async prepare() {
      sending = wallet.sendTokens(from.address, to.address, [{ denom: cosmos.denom, amount: '1000' }], fee)
      await split.reached
    },
    async send() {
      split.goOn()
      await split.submitted
    },
    wait: () => sending,
  }
}

/** A client whose submit waits for a word, so that what comes before and after it can be counted apart. */
function splitAtSubmit(client: VeilcastClient): {
  readonly client: VeilcastClient
  readonly reached: Promise<void>
  readonly submitted: Promise<void>
  goOn(): void
} {
  let tellReached = () => {}
  let tellSubmitted = () => {}
  let goOn = () => {}
  const reached = new Promise<void>((resolve) => {
    tellReached = resolve
  })
  const submitted = new Promise<void>((resolve) => {
    tellSubmitted = resolve
  })
  const word = new Promise<void>((resolve) => {
    goOn = resolve
  })
  return {
    reached,
    submitted,
    goOn: () => goOn(),
    client: {
      ...client,
      async submit(parameters, options = {}) {
        tellReached()
        await word
        const { onProgress } = options
        return client.submit(parameters, {
          ...options,
          onProgress(progress) {
            if (progress.stage === 'submitted' || progress.stage === 'included') tellSubmitted()
            onProgress?.(progress)
          },
        })
      },
    },
  }
}

interface Polling {
  readonly blockSeconds: number
  readonly seconds: number
  readonly asked: number
  readonly failed: number
  readonly fromMemory: number
  readonly cost: WalletCost
  readonly surbs: number
  readonly tookMs: readonly number[]
}

async function poll(
  { say, signal }: BenchContext,
  stops: Stops,
  { blockSeconds, seconds }: { readonly blockSeconds: number; readonly seconds: number },
): Promise<Polling> {
  const stack = await startWalletStack({ evm: { blockTimeMs: blockSeconds * 1000 }, isPaced: true })
  stops.add(stack.stop)
  const { client, anvil } = stack
  const endpoint = await serveRpc({ client, port: 0 })
  stops.add(() => endpoint.stop())
  const url = (await endpoint.urls()).find(({ chain }) => chain === anvil.chainId)?.url
  if (!url) throw new Error('The endpoint does not serve the chain.')
  const address = anvil.accounts[0]?.address
  if (!address) throw new Error('anvil has no accounts.')
  const wallet = createPublicClient({
    chain: chainOf(anvil.chainId),
    cacheTime: 0,
    transport: http(url, { retryCount: 0, timeout: 60_000 }),
  })

  const tookMs: number[] = []
  let failed = 0
  const timed = async (ask: () => Promise<unknown>) => {
    const startMs = performance.now()
    try {
      await ask()
      tookMs.push(performance.now() - startMs)
    } catch {
      failed += 1
    }
  }
  const before = { ...client.reads }
  const under: Promise<unknown>[] = []
  const cost = await stack.costOf(async () => {
    const startMs = performance.now()
    for (let second = 0; second < seconds; second++) {
      under.push(
        timed(() => wallet.getBlockNumber()),
        timed(() => wallet.getBalance({ address })),
        timed(() => wallet.call({ to: address, data: '0x70a08231' })),
      )
      await sleep(Math.max(0, startMs + (second + 1) * 1000 - performance.now()), undefined, { signal })
      if ((second + 1) % 60 === 0) say(`${blockSeconds} s blocks: ${second + 1} s`)
    }
    await Promise.all(under)
  })
  const { fromMemory, shared, surbs } = client.reads
  return {
    blockSeconds,
    seconds,
    asked: under.length,
    failed,
    fromMemory: fromMemory + shared - before.fromMemory - before.shared,
    cost,
    surbs: surbs - before.surbs,
    tookMs,
  }
}

function transferTable(rows: readonly Transfer[]): Table {
  return {
    title: 'Messages up and data packets (up + down) of a transfer',
    columns: [
      { name: 'library' },
      { name: 'messages to prepare' },
      { name: 'to send' },
      { name: 'to wait' },
      { name: 'packets to prepare' },
      { name: 'to send' },
      { name: 'to wait' },
    ],
    rows: rows.map(({ library, prepare, send, wait }) => [
      library,
      prepare.messagesUp,
      send.messagesUp,
      wait.messagesUp,
      ...[prepare, send, wait].map(({ packetsUp, packetsDown }) => `${packetsUp} + ${packetsDown}`),
    ]),
  }
}

function transferRatios({ library, prepare, send }: Transfer): readonly Ratio[] {
  const isViem = library === 'viem'
  return [
    {
      name: `${library}: messages to prepare and to send`,
      value: prepare.messagesUp + send.messagesUp,
      floor: 'one each',
      better: 'lower',
      ...(isViem ? { aim: 2, limit: 2 } : {}),
    },
  ]
}

function pollTable(rows: readonly Polling[]): Table {
  return {
    title: 'A wallet that asks three things each second',
    columns: [
      { name: 'block every', unit: 's' },
      { name: 'for', unit: 's' },
      { name: 'asked' },
      { name: 'failed' },
      { name: 'without a read of its own' },
      { name: 'messages up' },
      { name: 'data packets up' },
      { name: 'down' },
      { name: 'SURBs' },
      { name: 'p50', unit: 'ms' },
      { name: 'p95', unit: 'ms' },
      { name: 'longest', unit: 'ms' },
    ],
    rows: rows.map(({ blockSeconds, seconds, asked, failed, fromMemory, cost, surbs, tookMs }) => [
      blockSeconds,
      seconds,
      asked,
      failed,
      fromMemory,
      cost.messagesUp,
      cost.packetsUp,
      cost.packetsDown,
      surbs,
      quantile(tookMs, 0.5),
      quantile(tookMs, 0.95),
      quantile(tookMs, 1),
    ]),
  }
}

function pollRatios({ blockSeconds, asked, failed, cost }: Polling): readonly Ratio[] {
  return [
    {
      name: `polling, a block every ${blockSeconds} s: data packets up per thing asked`,
      value: cost.packetsUp / asked,
      floor: 'a message for each',
      aim: 0.2,
      limit: 1,
      better: 'lower',
    },
    {
      name: `polling, a block every ${blockSeconds} s: answered`,
      value: (asked - failed) / asked,
      floor: 'all',
      limit: 1,
      better: 'higher',
    },
  ]
}

function chainOf(chainId: `eip155:${number}`) {
  return defineChain({
    id: Number(chainId.slice('eip155:'.length)),
    name: 'anvil',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [] } },
  })
}

function keyOf(accounts: WalletStack['anvil']['accounts'], index: number): `0x${string}` {
  const key = accounts[index]?.privateKey
  if (!key) throw new Error('anvil has no such account.')
  return key
}

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { maxCallRevertBytes } from '@veilcast/shared/protocol'
import { BrowserProvider, Contract } from 'ethers'
import { createPublicClient, custom, encodeErrorResult, type Hex, parseAbi, toEventSelector } from 'viem'
import { foundry } from 'viem/chains'
import { Web3 } from 'web3'
import type { ChainAdapter } from '../../../../broadcaster/dist/chains/ChainAdapter.js'
import { askChain, shown } from '../../../support/askChain.ts'
import { behind, type CrookedEndpoint, startCrookedEndpoint } from '../../../support/crookedEndpoint.ts'
import { anvilChainId, createAnvilAdapter, fundedAccount, recipient } from '../../../support/evmAdapter.ts'
import { type FaultyEndpoint, startFaultyEndpoint } from '../../../support/faultyEndpoint.ts'
import { until } from '../../../support/until.ts'

const abi = parseAbi(['function f() view returns (uint256)', 'error Error(string)', 'event Seen()'])
const reason = encodeErrorResult({ abi, errorName: 'Error', args: ['no more'] })
const reverting = '0x00000000000000000000000000000000000dead1'
const logging = '0x00000000000000000000000000000000000dead2'
const answering = '0x00000000000000000000000000000000000dead3'

/** Reverts with these bytes. */
function revertCode(data: Hex): Hex {
  const length = ((data.length - 2) / 2).toString(16).padStart(4, '0')
  return `0x61${length}600e60003961${length}6000fd${data.slice(2)}`
}

const topic = toEventSelector('Seen()')

let anvil: Anvil
let toStop: { stop(): Promise<void> }[] = []
beforeAll(async () => {
  anvil = await startAnvil({ chainId: anvilChainId })
  await anvil.rpc('anvil_setCode', [reverting, revertCode(reason)])
  await anvil.rpc('anvil_setCode', [logging, `0x7f${topic.slice(2)}60006000a100`])
  await anvil.rpc('anvil_setCode', [answering, '0x602a60005260206000f3'])
})
afterAll(() => anvil?.stop())
afterEach(async () => {
  for (const one of toStop) await one.stop()
  toStop = []
})

async function connect(urls: readonly string[], more: Record<string, unknown> = {}): Promise<ChainAdapter> {
  const endpoints = urls.map((url, index) => ({ id: `e${index}`, operator: `o${index}`, url }))
  const adapter = createAnvilAdapter(endpoints, more)
  toStop.unshift(adapter)
  await adapter.start()
  await until(() => adapter.endpoints().every(({ live }) => live))
  return adapter
}

async function faulty(): Promise<FaultyEndpoint> {
  const endpoint = await startFaultyEndpoint(anvil.rpcUrl)
  toStop.push(endpoint)
  return endpoint
}

async function crooked(): Promise<CrookedEndpoint> {
  const endpoint = await startCrookedEndpoint(anvil.rpcUrl)
  toStop.push(endpoint)
  return endpoint
}

/** Until reads are of the newest block. */
async function caughtUp(adapter: ChainAdapter): Promise<void> {
  const newest = Number(await anvil.rpc('eth_blockNumber'))
  await until(async () => Number(await askChain(adapter, 'eth_blockNumber')) === newest)
}

/** An EIP-1193 provider as a library sees one; what is refused throws, with the broadcaster's own word for it. */
function providerOf(adapter: ChainAdapter) {
  return {
    async request({ method, params }: { method: string; params?: unknown }) {
      const asked = JSON.parse(JSON.stringify({ params: params ?? [] }))
      const [answer] = (await adapter.query([{ method, params: asked.params }])).answers
      if (answer!.kind === 'result') return shown(answer!)
      if (answer!.kind === 'reverted') {
        const data = `0x${Buffer.from(answer!.data).toString('hex')}`
        throw Object.assign(new Error('execution reverted'), { code: 3, data })
      }
      throw Object.assign(new Error(`${method}: ${shown(answer!)}`), { code: -32_000 })
    },
  }
}

describe('what libraries call', () => {
  it('viem: fees, state, logs, proofs, multicall and what a contract reverts', async () => {
    const adapter = await connect([anvil.rpcUrl])
    const client = createPublicClient({
      chain: foundry,
      transport: custom(providerOf(adapter)),
      cacheTime: 0,
    })
    const { address } = await fundedAccount(anvil)
    await anvil.mine()
    await caughtUp(adapter)
    expect(await client.getBalance({ address })).toBe(100n * 10n ** 18n)
    expect(await client.getTransactionCount({ address, blockTag: 'pending' })).toBe(0)
    expect((await client.estimateFeesPerGas()).maxFeePerGas).toBeGreaterThan(0n)
    expect(await client.getBlobBaseFee()).toBeGreaterThan(0n)
    expect(
      (await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [10, 50] })).gasUsedRatio.length,
    ).toBe((await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [] })).gasUsedRatio.length)
    expect(await client.estimateGas({ account: address, to: recipient, value: 1n })).toBe(21_000n)
    expect((await client.getProof({ address, storageKeys: [`0x${'00'.repeat(32)}`] })).balance).toBe(
      10n ** 20n,
    )
    expect((await client.createAccessList({ to: answering, data: '0x' })).accessList).toEqual([])
    expect(await client.getCode({ address: answering })).toBe('0x602a60005260206000f3')
    expect(await client.getStorageAt({ address, slot: '0x0' })).toMatch(/^0x0+$/)
    expect((await client.getBlock({ includeTransactions: true })).number).toBeGreaterThan(0n)
    expect(await client.getBlockTransactionCount()).toBe(0)
    const call = { address: answering, abi, functionName: 'f' } as const
    const overridden = {
      ...call,
      address: recipient,
      stateOverride: [{ address: recipient, code: '0x602b60005260206000f3' }],
    } as const
    expect(await client.readContract(overridden as never)).toBe(43n)
    expect(
      await client.multicall({ contracts: [call, call], deployless: true, allowFailure: false }),
    ).toEqual([42n, 42n])
    await expect(client.simulateContract({ ...call, address: reverting })).rejects.toThrow('no more')
    await expect(
      client.estimateContractGas({ ...call, address: reverting, account: address }),
    ).rejects.toThrow('no more')

    const sent = (await anvil.rpc('eth_sendTransaction', [
      { from: anvil.accounts[0]!.address, to: logging },
    ])) as Hex
    await caughtUp(adapter)
    const receipt = await client.getTransactionReceipt({ hash: sent })
    expect(receipt).toMatchObject({ status: 'success', logs: [{ topics: [topic] }] })
    expect((await client.getTransaction({ hash: sent })).hash).toBe(sent)
    const { blockNumber, blockHash } = receipt
    expect((await client.getTransaction({ blockNumber, index: 0 })).hash).toBe(sent)
    expect((await client.getTransaction({ blockHash, index: 0 })).hash).toBe(sent)
    const ranges = [
      { fromBlock: blockNumber },
      { blockHash },
      { fromBlock: 'earliest', toBlock: 'latest' },
      {},
    ] as const
    for (const range of ranges) {
      const found = await client.getLogs({ address: logging, event: abi[2], ...range } as never)
      expect(found.map(({ transactionHash }) => transactionHash)).toEqual([sent])
    }
  })

  it('ethers: a provider’s network, fees, calls, logs and receipts', async () => {
    const adapter = await connect([anvil.rpcUrl])
    const provider = new BrowserProvider(providerOf(adapter), undefined, { cacheTimeout: -1 })
    try {
      expect((await provider.getNetwork()).chainId).toBe(BigInt(anvilChainId))
      expect((await provider.getFeeData()).maxFeePerGas).toBeGreaterThan(0n)
      expect(await provider.getTransactionCount(recipient, 'pending')).toBe(0)
      const request = {
        from: anvil.accounts[0]!.address,
        to: recipient,
        value: 1n,
        gasLimit: 50_000n,
        type: 2,
      }
      expect(await provider.estimateGas({ ...request, accessList: [] })).toBeLessThan(21_100n)
      expect(await new Contract(answering, ['function f() view returns (uint256)'], provider).f!()).toBe(42n)
      await expect(
        new Contract(reverting, ['function f() view returns (uint256)'], provider).f!(),
      ).rejects.toMatchObject({ code: 'CALL_EXCEPTION', reason: 'no more' })
      expect(await provider.getLogs({ address: logging, fromBlock: 0, toBlock: 'latest' })).not.toEqual([])
      expect(await provider.getBlock('finalized')).not.toBeNull()
      expect(await provider.getTransactionReceipt(`0x${'12'.repeat(32)}`)).toBeNull()
    } finally {
      provider.destroy()
    }
  })

  it('web3: the same', async () => {
    const adapter = await connect([anvil.rpcUrl])
    const web3 = new Web3(providerOf(adapter) as never)
    expect(await web3.eth.getChainId()).toBe(BigInt(anvilChainId))
    expect(await web3.eth.isSyncing()).toBe(false)
    expect(await web3.eth.net.isListening()).toBe(true)
    expect(await web3.eth.getNodeInfo()).toBe('veilcast')
    expect(await web3.eth.getGasPrice()).toBeGreaterThan(0n)
    expect((await web3.eth.calculateFeeData()).maxFeePerGas).toBeDefined()
    const { address } = anvil.accounts[0]!
    expect(await web3.eth.estimateGas({ from: address, to: recipient, value: '0x1' })).toBe(21_000n)
    expect(await web3.eth.call({ to: answering, data: '0x', input: '0x' })).toMatch(/2a$/)
    expect(await web3.eth.getBlockUncleCount('latest')).toBe(0n)
    expect(await web3.eth.getPastLogs({ address: logging, fromBlock: '0x0' })).not.toEqual([])
    const contract = new web3.eth.Contract(abi as never, reverting)
    await expect(
      (contract.methods as never as { f(): { call(): Promise<unknown> } }).f().call(),
    ).rejects.toThrow()
  })
})

describe('what is refused', () => {
  it.each([
    ['eth_sendRawTransaction', ['0x00'], 'methodNotAllowed'],
    ['eth_accounts', [], 'methodNotAllowed'],
    ['eth_newFilter', [{}], 'methodNotAllowed'],
    ['debug_traceCall', [], 'methodNotAllowed'],
    ['eth_getBalance', ['0x12', 'latest'], 'invalidParams'],
    ['eth_getBalance', [recipient, 'newest'], 'invalidParams'],
    ['eth_getBalance', [recipient, 'latest', 1], 'invalidParams'],
    ['eth_getBalance', 'nothing', 'invalidParams'],
    ['eth_call', [{ to: recipient, data: '0x1' }, 'latest'], 'invalidParams'],
    ['eth_call', [{ to: recipient, trace: true }, 'latest'], 'invalidParams'],
    ['eth_call', [{ to: recipient }, 'latest', {}, { time: '0x1' }], 'invalidParams'],
    ['eth_call', [{ to: recipient, data: `0x${'00'.repeat(9_000)}` }, 'latest'], 'invalidParams'],
    ['eth_getLogs', [{ blockHash: `0x${'00'.repeat(32)}`, fromBlock: '0x1' }], 'invalidParams'],
    ['eth_getLogs', [{ topics: [null, null, null, null, null] }], 'invalidParams'],
    ['eth_getLogs', [{ address: Array(33).fill(recipient) }], 'invalidParams'],
    ['eth_getLogs', [{ fromBlock: 'finalized', toBlock: 'latest' }], 'invalidParams'],
    ['eth_getProof', [recipient, Array(33).fill('0x0'), 'latest'], 'invalidParams'],
    ['eth_feeHistory', ['0x401', 'latest', []], 'invalidParams'],
  ])('%s %j: %s, and no node is asked', async (method, params, name) => {
    const endpoint = await faulty()
    const adapter = await connect([endpoint.url], { probeIntervalMs: 60_000 })
    const before = endpoint.calls(method)
    expect(await askChain(adapter, method, params)).toEqual([name])
    expect(endpoint.calls(method)).toBe(before)
  })

  it('logs: a range that is too wide tells how wide it may be', async () => {
    const adapter = await connect([anvil.rpcUrl], { maxLogsRangeBlocks: 5 })
    await anvil.mine(10)
    await caughtUp(adapter)
    const height = Number(await anvil.rpc('eth_blockNumber'))
    const logs = (fromBlock: number, toBlock: number | string) =>
      askChain(adapter, 'eth_getLogs', [
        {
          fromBlock: `0x${fromBlock.toString(16)}`,
          toBlock: typeof toBlock === 'string' ? toBlock : `0x${toBlock.toString(16)}`,
        },
      ])
    expect(await logs(height - 5, 'latest')).toEqual(['rangeTooWide', 6n, 5n])
    expect(await logs(height - 4, height + 1_000_000)).toEqual([])
    expect(await logs(height + 5, height + 8)).toEqual([])
    expect(await logs(5, 4)).toEqual(['invalidParams'])
  })
})

describe('what a contract reverts', () => {
  it.each([
    ['geth, reth, anvil', { code: 3, message: 'execution reverted: no more', data: reason }],
    ['older geth', { code: -32_000, message: 'execution reverted' }, '0x'],
    ['Nethermind, Parity', { code: -32_015, message: 'VM execution error.', data: `Reverted ${reason}` }],
    ['Hardhat', { code: -32_603, message: 'Internal JSON-RPC error.', data: { message: 'x', data: reason } }],
    [
      'too much',
      { code: 3, message: 'reverted', data: `0x${'ab'.repeat(9_000)}` },
      `0x${'ab'.repeat(maxCallRevertBytes)}`,
    ],
  ])('%s', async (_name, error, data: string = reason) => {
    const endpoint = await crooked()
    endpoint.show(() => async ({ method, params }, ask) => {
      if (method === 'eth_call') throw error
      return ask(method, params)
    })
    const adapter = await connect([endpoint.url])
    expect(await askChain(adapter, 'eth_call', [{ to: recipient }, 'latest'])).toEqual(['reverted', data])
  })

  it.each([
    ['insufficient funds for gas * price + value', ['insufficientFunds']],
    ['nonce too low: next nonce 7, tx nonce 5', ['nonceUsed', 7n, 5n]],
  ])('%s has a name of its own', async (message, expected) => {
    const endpoint = await crooked()
    endpoint.show(() => async ({ method, params }, ask) => {
      if (method === 'eth_estimateGas') throw { code: -32_000, message }
      return ask(method, params)
    })
    const adapter = await connect([endpoint.url])
    expect(await askChain(adapter, 'eth_estimateGas', [{ to: recipient, nonce: '0x5' }])).toEqual(expected)
  })

  it('another error keeps its code and none of its words', async () => {
    const endpoint = await crooked()
    endpoint.show(() => async ({ method, params }, ask) => {
      if (method === 'eth_call') throw { code: -32_123, message: 'key-in-words', data: 'key-in-data' }
      return ask(method, params)
    })
    const adapter = await connect([endpoint.url])
    const { answers } = await adapter.query([{ method: 'eth_call', params: [{ to: recipient }] }])
    expect(answers.map(shown)).toEqual([['readFailed', 32_123n]])
  })
})

describe('once for each block', () => {
  let endpoint: FaultyEndpoint
  let adapter: ChainAdapter
  beforeEach(async () => {
    endpoint = await faulty()
    adapter = await connect([endpoint.url], { probeIntervalMs: 60_000 })
    await caughtUp(adapter)
  })

  it('default: what was asked serves everybody until the next block, however it was written', async () => {
    const mixed = recipient.replace('a1', 'A1')
    const reads = [
      { method: 'eth_getBalance', params: [recipient, 'latest'] },
      { method: 'eth_getBalance', params: [mixed] },
      { method: 'eth_call', params: [{ to: answering, data: '0x', value: '0x00' }, 'latest'] },
      { method: 'eth_call', params: [{ value: '0x0', input: '0x', to: answering, data: '0x' }] },
      { method: 'eth_gasPrice', params: [] },
      { method: 'eth_feeHistory', params: [4, 'latest', [10]] },
    ]
    const before = endpoint.requests()
    const first = await adapter.query(reads)
    expect(endpoint.requests() - before).toBeLessThanOrEqual(2)
    expect([endpoint.calls('eth_getBalance'), endpoint.calls('eth_call')]).toEqual([1, 1])
    expect(first.height).toBe(BigInt((await anvil.rpc('eth_blockNumber')) as string))
    const asked = endpoint.calls('eth_gasPrice')
    const again = await adapter.query(reads)
    expect(again.answers.map(shown)).toEqual(first.answers.map(shown))
    expect(again.counts).toEqual({ refused: 0, here: 0, cached: 6, shared: 0, node: 0 })
    expect(endpoint.calls('eth_gasPrice')).toBe(asked)

    await anvil.mine()
    await caughtUp(adapter)
    expect((await adapter.query(reads)).counts).toMatchObject({ cached: 0, node: 4 })
  })

  it('behavior: pending is asked each time, and only what is under way is shared', async () => {
    const read = { method: 'eth_getTransactionCount', params: [recipient, 'pending'] }
    await Promise.all(Array.from({ length: 20 }, () => adapter.query([read])))
    expect(endpoint.calls('eth_getTransactionCount')).toBe(1)
    await adapter.query([read])
    expect(endpoint.calls('eth_getTransactionCount')).toBe(2)
  })

  it('behavior: a reorganisation forgets what was asked, at the same height too', async () => {
    await anvil.mine()
    await caughtUp(adapter)
    const hashOf = async () =>
      ((await askChain(adapter, 'eth_getBlockByNumber', ['latest', false])) as { hash: string }).hash
    const first = await hashOf()
    await anvil.reorg(1)
    await until(async () => (await hashOf()) !== first)
    expect(await hashOf()).toBe(
      ((await anvil.rpc('eth_getBlockByNumber', ['latest', false])) as { hash: string }).hash,
    )
  })

  it('behavior: nobody looks at the chain where nobody reads', async () => {
    await new Promise((resolve) => setTimeout(resolve, 700))
    const before = endpoint.requests()
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(endpoint.requests()).toBe(before)
  })

  it('behavior: a receipt that is not there yet is asked for again in the next block', async () => {
    await anvil.setAutomine(false)
    try {
      const hash = await anvil.rpc('eth_sendTransaction', [
        { from: anvil.accounts[1]!.address, to: recipient },
      ])
      const receipt = () => askChain(adapter, 'eth_getTransactionReceipt', [hash])
      expect(await receipt()).toBeNull()
      expect(await receipt()).toBeNull()
      expect(endpoint.calls('eth_getTransactionReceipt')).toBe(1)
      await anvil.mine()
      await until(async () => (await receipt()) !== null)
    } finally {
      await anvil.setAutomine(true)
    }
  })
})

describe('endpoints', () => {
  it('behavior: one that is late spoils nothing: what is asked is asked of the newest block', async () => {
    const late = await crooked()
    const adapter = await connect([late.url, anvil.rpcUrl], { maxBlocksBehind: 50 })
    late.show(() => behind(2))
    const { address } = anvil.accounts[2]!
    const nonces: number[] = []
    for (let sent = 0; sent < 4; sent++) {
      await anvil.rpc('eth_sendTransaction', [{ from: address, to: recipient }])
      await adapter.head()
      await until(async () => {
        nonces.push(Number(await askChain(adapter, 'eth_getTransactionCount', [address, 'latest'])))
        return nonces.at(-1) === sent + 1
      })
    }
    expect(nonces).toEqual([...nonces].sort((a, b) => a - b))
  })

  it('behavior: a block that only one of three claims stops nobody', async () => {
    const liar = await crooked()
    const adapter = await connect([liar.url, anvil.rpcUrl, `${anvil.rpcUrl}/`], { maxBlocksBehind: 10_000 })
    liar.show(() => async ({ method, params }, ask) => {
      if (method === 'eth_blockNumber') return ask(method, params)
      if (method !== 'eth_getBlockByNumber') throw { code: -32_000, message: 'header not found' }
      const block = (await ask(method, ['latest', false])) as { number: string }
      return {
        ...block,
        hash: `0x${'ee'.repeat(32)}`,
        number: `0x${(Number(block.number) + 50).toString(16)}`,
      }
    })
    for (let i = 0; i < 10; i++) {
      const balance = await askChain(adapter, 'eth_getBalance', [recipient, 'latest'])
      expect(balance).toMatch(/^0x/)
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
  })

  it('behavior: one that hangs is left for the next within seconds, and is not thought dead for it', async () => {
    const hanging = await faulty()
    const adapter = await connect([hanging.url, anvil.rpcUrl], { requestTimeoutMs: 500 })
    hanging.set({ mode: 'hang', methods: ['eth_getBalance'] })
    await until(async () => {
      await anvil.mine()
      await caughtUp(adapter)
      expect(await askChain(adapter, 'eth_getBalance', [recipient, 'latest'])).toMatch(/^0x/)
      return hanging.calls('eth_getBalance') > 0
    })
    expect(adapter.endpoints().map(({ live }) => live)).toEqual([true, true])
    hanging.release()
  })

  it('behavior: a slow read beside it holds up nobody who asks the same', async () => {
    const slow = await faulty()
    const adapter = await connect([slow.url], { requestTimeoutMs: 4_000 })
    const read = { method: 'eth_gasPrice', params: [] }
    slow.set({ mode: 'hang', methods: ['eth_getProof'] })
    const held = adapter.query([{ method: 'eth_getProof', params: [recipient, [], 'latest'] }, read])
    await until(() => slow.hanging() > 0)
    const started = performance.now()
    const { answers } = await adapter.query([read])
    expect(shown(answers[0]!)).toMatch(/^0x/)
    expect(performance.now() - started).toBeLessThan(3_000)
    slow.release()
    await held
  })

  it('behavior: a method that no node knows is not allowed, and the others are answered', async () => {
    const endpoint = await faulty()
    const adapter = await connect([endpoint.url])
    endpoint.set({ mode: 'unknownMethod', methods: ['eth_blobBaseFee'] })
    const { answers } = await adapter.query(
      ['eth_blobBaseFee', 'eth_gasPrice'].map((method) => ({ method, params: [] })),
    )
    expect(answers.map(shown)).toEqual([['methodNotAllowed'], expect.stringMatching(/^0x/)])
    expect(adapter.live()).toBe(true)
  })

  it('behavior: one that takes no batches answers them singly', async () => {
    const endpoint = await faulty()
    const adapter = await connect([endpoint.url])
    endpoint.set({ mode: 'noBatch' })
    const methods = ['eth_gasPrice', 'eth_maxPriorityFeePerGas', 'eth_blockNumber', 'eth_chainId']
    const { answers } = await adapter.query(methods.map((method) => ({ method, params: [] })))
    for (const answer of answers) expect(shown(answer)).toMatch(/^0x/)
  })

  it('behavior: calls beyond the limit are busy, and say for how long', async () => {
    const adapter = await connect([anvil.rpcUrl], { maxReadCallsPerSecond: 2 })
    const read = (index: number) => ({ method: 'eth_getStorageAt', params: [recipient, `0x${index}`] })
    const answers = []
    for (let index = 0; index < 6; index++)
      answers.push(shown((await adapter.query([read(index)])).answers[0]!))
    expect(answers.filter((answer) => Array.isArray(answer))).toContainEqual(['busy', expect.any(BigInt)])
    expect(answers.filter((answer) => !Array.isArray(answer)).length).toBeGreaterThanOrEqual(2)
  })

  it('behavior: where answers are too long together, each is judged by itself', async () => {
    const large = '0x00000000000000000000000000000000000dead4'
    await anvil.rpc('anvil_setCode', [large, `0x${'00'.repeat(600_000)}`])
    const adapter = await connect([anvil.rpcUrl])
    const reads = [large, `${large.slice(0, -1)}5`, answering].map((address) => ({
      method: 'eth_getCode',
      params: [address, 'latest'],
    }))
    const { answers } = await adapter.query([...reads, ...reads.slice(0, 1)])
    expect(answers.map(shown)).toEqual([
      ['answerTooLarge', expect.any(BigInt), 65_536n],
      '0x',
      '0x602a60005260206000f3',
      ['answerTooLarge', expect.any(BigInt), 65_536n],
    ])
  })
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  announceProvider,
  createEip1193Provider,
  type Eip1193Provider,
  findVeilcastError,
  VeilcastError,
} from '@veilcast/client/eip1193'
import { veilcast } from '@veilcast/client/viem'
import {
  connect,
  createConfig,
  getBalance,
  readContract,
  sendTransaction,
  simulateContract,
  waitForTransactionReceipt,
  writeContract,
} from '@wagmi/core'
import { BrowserProvider, type Contract, ContractFactory, isError, parseEther } from 'ethers'
import { defineChain, parseEther as parseWei } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { Web3 } from 'web3'
import { counterAbi, counterBytecode } from '../../support/counterContract.ts'
import { scriptedNode } from '../../support/scriptedNode.ts'
import { until } from '../../support/until.ts'
import { startWalletStack, type WalletStack } from '../../support/walletStack.ts'

const abi = JSON.parse(JSON.stringify(counterAbi))
const to = privateKeyToAccount(generatePrivateKey()).address

let stack: WalletStack
const opened: Eip1193Provider[] = []

function open(index: number): Eip1193Provider {
  const provider = createEip1193Provider({
    client: stack.client,
    chains: [stack.anvil.chainId],
    signer: privateKeyToAccount(stack.anvil.accounts[index]!.privateKey),
  })
  opened.push(provider)
  return provider
}

beforeAll(async () => {
  stack = await startWalletStack({ network: 'loopback', evm: { blockTimeMs: 1000 } })
}, 60_000)
afterAll(async () => {
  for (const provider of opened) provider.stop()
  await stack?.stop()
})

describe('ethers 6 over the provider', () => {
  let provider: BrowserProvider
  beforeAll(() => {
    provider = new BrowserProvider(open(0))
    provider.pollingInterval = 200
  })
  afterAll(() => provider?.destroy())

  it('default: balance, send, wait', async () => {
    const signer = await provider.getSigner()
    const sent = await signer.sendTransaction({ to, value: parseEther('1') })
    expect(sent).toMatchObject({ to, value: parseEther('1') })
    const waiting = await stack.costOf(async () => {
      expect(await sent.wait()).toMatchObject({ status: 1, hash: sent.hash })
    })
    expect(waiting.messagesUp).toBeLessThanOrEqual(2)
    expect(await provider.getBalance(to)).toBe(parseEther('1'))
  }, 30_000)

  it('behavior: a contract is deployed, written, read and watched, and its reasons are decoded', async () => {
    const signer = await provider.getSigner()
    const deployed = await new ContractFactory(abi, counterBytecode, signer).deploy()
    const contract = (await deployed.waitForDeployment()) as Contract
    const heard: bigint[] = []
    await contract.on('Set', (_by, value) => void heard.push(value))
    await (await contract.getFunction('set')(7n)).wait()
    expect(await contract.getFunction('get')()).toBe(7n)
    await until(() => heard.length > 0)
    expect(heard).toEqual([7n])
    await contract.removeAllListeners()

    const zero = await contract
      .getFunction('set')
      .staticCall(0n)
      .catch((error) => error)
    expect(isError(zero, 'CALL_EXCEPTION') && zero.reason).toBe('zero')
    const large = await contract
      .getFunction('set')(1000n)
      .catch((error) => error)
    expect(isError(large, 'CALL_EXCEPTION') && contract.interface.parseError(large.data!)?.name).toBe(
      'TooLarge',
    )
  }, 30_000)

  it.each([
    ['nonceUsed', 'NONCE_EXPIRED', 'never'],
    ['insufficientFunds', 'INSUFFICIENT_FUNDS', 'later'],
    ['replacementUnderpriced', 'REPLACEMENT_UNDERPRICED', 'later'],
  ] as const)('error: %s is its own %s, and carries ours', async (errorName, code, retry) => {
    const { client } = scriptedNode()
    const refusing = createEip1193Provider({
      client: {
        ...client,
        submit: () => Promise.reject(new VeilcastError(errorName, { outcome: 'notSent' })),
      },
      chains: [stack.anvil.chainId],
      signer: privateKeyToAccount(generatePrivateKey()),
    })
    const theirs = new BrowserProvider(refusing)
    const signer = await theirs.getSigner()
    const error = await signer.sendTransaction({ to }).catch((error) => error)
    expect(isError(error, code)).toBe(true)
    expect(error.info.error.data).toEqual({ errorName, outcome: 'notSent', retry })
    theirs.destroy()
  })

  it('behavior: messages and typed data are signed by the account', async () => {
    const signer = await provider.getSigner()
    const account = privateKeyToAccount(stack.anvil.accounts[0]!.privateKey)
    expect(await signer.signMessage('hello')).toBe(await account.signMessage({ message: 'hello' }))
    const domain = { name: 'A wallet', version: '1', chainId: 31337 }
    const types = {
      Letter: [
        { name: 'to', type: 'address' },
        { name: 'amount', type: 'uint256' },
      ],
    }
    expect(await signer.signTypedData(domain, types, { to, amount: 5n })).toBe(
      await account.signTypedData({ domain, types, primaryType: 'Letter', message: { to, amount: 5n } }),
    )
  })
})

describe('web3 4 over the provider', () => {
  it('default: balance, send and its receipt, contract, reason and event', async () => {
    const account = stack.anvil.accounts[1]!.address
    const provider = open(1)
    const web3 = new Web3(provider as never)
    web3.eth.transactionPollingInterval = 200
    web3.eth.transactionConfirmationBlocks = 1
    const receipt = await web3.eth.sendTransaction({ from: account, to, value: '5' })
    expect(receipt.status).toBe(1n)
    expect(await web3.eth.getBalance(to)).toBeGreaterThanOrEqual(5n)

    const deployed = await new web3.eth.Contract(abi)
      .deploy({ data: counterBytecode })
      .send({ from: account, gas: '500000' })
    const contract = new web3.eth.Contract(abi, deployed.options.address!)
    const heads: unknown[] = []
    const heard = await web3.eth.subscribe('newBlockHeaders')
    heard.on('data', (head) => void heads.push(head.number))
    await contract.methods.set!(9).send({ from: account })
    expect(await contract.methods.get!().call()).toBe(9n)
    const events = await contract.getPastEvents('Set' as never, { fromBlock: 'earliest' })
    expect(events).toHaveLength(1)
    await until(() => heads.length > 1)
    await heard.unsubscribe()

    const error = await contract.methods.set!(0)
      .call({ from: account })
      .catch((error) => error)
    expect(error.cause?.message ?? error.message).toContain('zero')
    provider.stop()
  }, 60_000)
})

describe('@wagmi/core 2 over the provider and the transport', () => {
  const page = globalThis as { window?: EventTarget }
  const { window: before } = page
  beforeAll(() => {
    page.window = new EventTarget()
  })
  afterAll(() => {
    if (before) page.window = before
    else delete page.window
  })

  it('default: finds the announced provider, connects, balance, send, wait, write', async () => {
    const chain = defineChain({
      id: 31337,
      name: 'anvil',
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [] } },
    })
    const withdraw = announceProvider(open(2), {
      name: 'Example',
      icon: 'data:image/svg+xml,<svg/>',
      rdns: 'org.example.wallet',
    })
    const config = createConfig({
      chains: [chain],
      transports: { [chain.id]: veilcast({ client: stack.client }) },
      storage: null,
    })
    expect(config.connectors.map(({ name }) => name)).toEqual(['Example'])
    const { accounts, chainId } = await connect(config, { connector: config.connectors[0]! })
    expect({ accounts, chainId }).toEqual({ accounts: [stack.anvil.accounts[2]!.address], chainId: 31337 })

    const hash = await sendTransaction(config, { to, value: parseWei('2') })
    expect((await waitForTransactionReceipt(config, { hash })).status).toBe('success')
    expect((await getBalance(config, { address: to })).value).toBeGreaterThanOrEqual(parseWei('2'))

    const deployment = await sendTransaction(config, { data: counterBytecode } as never)
    const { contractAddress } = await waitForTransactionReceipt(config, { hash: deployment })
    const call = { abi: counterAbi, address: contractAddress!, functionName: 'set' } as const
    const { request } = await simulateContract(config, { ...call, args: [3n] })
    await waitForTransactionReceipt(config, { hash: await writeContract(config, request) })
    expect(await readContract(config, { ...call, functionName: 'get' })).toBe(3n)
    const error = await simulateContract(config, { ...call, args: [0n] }).catch((error) => error)
    expect(error.message).toContain('zero')
    expect(findVeilcastError(error)?.errorName).toBe('callReverted')
    withdraw()
  }, 60_000)
})

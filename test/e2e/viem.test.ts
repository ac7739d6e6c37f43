import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { createEip1193Provider } from '@veilcast/client/eip1193'
import { findVeilcastError, veilcast } from '@veilcast/client/viem'
import { BrowserProvider } from 'ethers'
import { createPublicClient, createWalletClient, defineChain, parseEther, zeroAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { counterAbi, counterBytecode } from '../support/counterContract.ts'
import { startWalletStack, type WalletStack } from '../support/walletStack.ts'

// Nym sends a packet again whose acknowledgement is late, as it may be on a busy machine: then one more is counted.
jest.retryTimes(2, { logErrorsBeforeRetry: true })

const chain = defineChain({
  id: 31337,
  name: 'anvil',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [] } },
})

describe('wallets over the Nym network', () => {
  let stack: WalletStack
  beforeAll(async () => {
    stack = await startWalletStack({ evm: { blockTimeMs: 1000 } })
  }, 120_000)
  afterAll(() => stack?.stop())

  function openViem(index: number) {
    const account = privateKeyToAccount(stack.anvil.accounts[index]!.privateKey)
    const transport = veilcast({ client: stack.client })
    return {
      account,
      wallet: createWalletClient({ account, chain, transport }),
      reader: createPublicClient({ chain, transport, pollingInterval: 500 }),
    }
  }

  it('viem: one round trip prepares, one sends, and one more brings the receipt', async () => {
    const { wallet, reader } = openViem(0)
    let hash: `0x${string}` = '0x'
    // No block comes before what is told of the stages up to it has been counted.
    await stack.anvil.setBlockTime(0)
    await stack.anvil.setAutomine(false)
    const sending = await stack.costOf(async () => {
      hash = await wallet.sendTransaction({ to: zeroAddress, value: parseEther('1') })
    })
    // Answers come one to a message that asks; a transaction is told of at each stage: accepted, submitted.
    expect(sending).toMatchObject({ messagesUp: 2, messagesDown: 3, packetsUp: 2 })
    const waiting = await stack.costOf(async () => {
      await stack.anvil.setBlockTime(1000)
      expect((await reader.waitForTransactionReceipt({ hash })).status).toBe('success')
    })
    expect(waiting).toMatchObject({ messagesUp: 1, messagesDown: 2 })
  }, 60_000)

  it('ethers: three round trips with the block number that it asks for first', async () => {
    const provider = createEip1193Provider({
      client: stack.client,
      chains: [stack.anvil.chainId],
      signer: privateKeyToAccount(stack.anvil.accounts[1]!.privateKey),
    })
    const ethers = new BrowserProvider(provider)
    const signer = await ethers.getSigner()
    let sent: Awaited<ReturnType<typeof signer.sendTransaction>> | undefined
    const sending = await stack.costOf(async () => {
      sent = await signer.sendTransaction({ to: zeroAddress, value: 1n })
    })
    expect(sending.messagesUp).toBeGreaterThanOrEqual(2)
    expect(sending.messagesUp).toBeLessThanOrEqual(3)
    const waiting = await stack.costOf(async () => {
      expect((await sent!.wait())?.status).toBe(1)
    })
    expect(waiting.messagesUp).toBeLessThanOrEqual(2)
    ethers.destroy()
    provider.stop()
  }, 60_000)

  it('viem: a contract is deployed, written and read, and its reason told', async () => {
    const { wallet, reader, account } = openViem(2)
    const deployed = await wallet.deployContract({ abi: counterAbi, bytecode: counterBytecode })
    const { contractAddress } = await reader.waitForTransactionReceipt({ hash: deployed })
    const call = { abi: counterAbi, address: contractAddress! } as const
    const receipt = await wallet.writeContractSync({ ...call, functionName: 'set', args: [42n] })
    expect(receipt.status).toBe('success')
    expect(await reader.readContract({ ...call, functionName: 'get' })).toBe(42n)
    expect(
      await reader.getContractEvents({ ...call, eventName: 'Set', fromBlock: receipt.blockNumber }),
    ).toHaveLength(1)
    const reverted = await reader
      .simulateContract({ ...call, functionName: 'set', args: [0n], account })
      .catch((error) => error)
    expect(String(reverted.message)).toContain('zero')
    expect(findVeilcastError(reverted)?.errorName).toBe('callReverted')
  }, 60_000)
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { findVeilcastError, veilcast } from '@veilcast/client/viem'
import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  defineChain,
  encodeFunctionData,
  InsufficientFundsError,
  MethodNotFoundRpcError,
  NonceTooLowError,
  parseEther,
  parseGwei,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { counterAbi, counterBytecode, maxCount } from '../../support/counterContract.ts'
import { until } from '../../support/until.ts'
import { startWalletStack, type WalletStack } from '../../support/walletStack.ts'

const chain = defineChain({
  id: 31337,
  name: 'anvil',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [] } },
})

describe('veilcast, a transport of viem', () => {
  let stack: WalletStack
  let open: ReturnType<typeof openClients>
  let contract: Address

  function openClients(index: number) {
    const account = privateKeyToAccount(stack.anvil.accounts[index]!.privateKey)
    // Each its own transport, as wallets write it: they know of each other's transactions all the same.
    return {
      account,
      wallet: createWalletClient({ account, chain, transport: veilcast({ client: stack.client }) }),
      reader: createPublicClient({
        chain,
        transport: veilcast({ client: stack.client }),
        pollingInterval: 200,
      }),
    }
  }

  beforeAll(async () => {
    stack = await startWalletStack({ network: 'loopback', evm: { blockTimeMs: 500 } })
    open = openClients(0)
    const hash = await open.wallet.deployContract({ abi: counterAbi, bytecode: counterBytecode })
    const { contractAddress, status } = await open.reader.waitForTransactionReceipt({ hash })
    expect(status).toBe('success')
    contract = contractAddress!
  }, 60_000)
  afterAll(() => stack?.stop())

  const to = privateKeyToAccount(generatePrivateKey()).address

  it('default: sendTransaction is one message to prepare and one to send', async () => {
    const { wallet, reader } = open
    let hash: `0x${string}` = '0x'
    const cost = await stack.costOf(async () => {
      hash = await wallet.sendTransaction({ to, value: parseEther('1') })
    })
    expect(cost.messagesUp).toBe(2)

    const waiting = await stack.costOf(async () => {
      const receipt = await reader.waitForTransactionReceipt({ hash })
      expect(receipt).toMatchObject({ status: 'success', transactionHash: hash, to: to.toLowerCase() })
    })
    expect(waiting.messagesUp).toBe(1)
    expect(await reader.getBalance({ address: to })).toBe(parseEther('1'))
  })

  it('behavior: fees are those that viem would have set', async () => {
    const { wallet, reader, account } = open
    // No transactions: the base fee falls by an eighth with each block.
    const before = await reader.getBlock()
    const request = await wallet.prepareTransactionRequest({ to, value: 1n })
    expect(request).toMatchObject({ type: 'eip1559', gas: 21_000n, chainId: 31337, from: account.address })
    const after = await stack.anvil.rpc<{ baseFeePerGas: string }>('eth_getBlockByNumber', ['latest', false])
    const priced = ((request.maxFeePerGas - request.maxPriorityFeePerGas) * 10n) / 12n
    expect(priced).toBeLessThanOrEqual(before.baseFeePerGas! + 2n)
    expect(priced).toBeGreaterThanOrEqual((BigInt(after.baseFeePerGas) * 7n) / 8n - 2n)

    const given = { maxFeePerGas: parseGwei('40'), maxPriorityFeePerGas: parseGwei('3'), gas: 50_000n }
    expect(await wallet.prepareTransactionRequest({ to, ...given, nonce: 77 })).toMatchObject({
      ...given,
      nonce: 77,
    })
    expect(await wallet.prepareTransactionRequest({ to, type: 'legacy' })).toMatchObject({
      type: 'legacy',
      gasPrice: expect.any(BigInt),
    })
  })

  it('behavior: two at once have two nonces, and one that is on its way is known', async () => {
    const { wallet, reader, account } = openClients(1)
    const first = await wallet.sendTransaction({ to, value: 1n })
    const second = await wallet.sendTransaction({ to, value: 2n })
    const free = await stack.costOf(async () => {
      const pending = await reader.getTransaction({ hash: second })
      expect(pending).toMatchObject({ from: account.address.toLowerCase(), to: to.toLowerCase(), value: 2n })
    })
    expect(free.messagesUp).toBeLessThanOrEqual(1)
    const receipts = await Promise.all(
      [first, second].map((hash) => reader.waitForTransactionReceipt({ hash })),
    )
    expect(receipts.map(({ status }) => status)).toEqual(['success', 'success'])
    expect(await reader.getTransactionCount({ address: account.address })).toBe(2)
  })

  it('behavior: sendTransactionSync gives the receipt', async () => {
    const receipt = await open.wallet.sendTransactionSync({ to, value: 1n })
    expect(receipt.status).toBe('success')
  })

  it('behavior: a contract is read, written and watched', async () => {
    const { wallet, reader, account } = open
    const heard: unknown[] = []
    const stop = reader.watchContractEvent({
      abi: counterAbi,
      address: contract,
      eventName: 'Set',
      onLogs: (logs) => heard.push(...logs.map(({ args }) => args)),
    })
    try {
      const { request } = await reader.simulateContract({
        abi: counterAbi,
        address: contract,
        functionName: 'set',
        args: [42n],
        account,
      })
      const receipt = await reader.waitForTransactionReceipt({ hash: await wallet.writeContract(request) })
      const event = { by: account.address, value: 42n }
      expect(await reader.readContract({ abi: counterAbi, address: contract, functionName: 'get' })).toBe(42n)
      const logs = await reader.getContractEvents({
        abi: counterAbi,
        address: contract,
        eventName: 'Set',
        blockHash: receipt.blockHash,
      })
      expect(logs.map(({ args }) => args)).toEqual([event])
      await until(() => heard.length > 0)
      expect(heard).toEqual([event])
    } finally {
      stop()
    }
  })

  it('behavior: what is asked together travels together', async () => {
    const { reader } = open
    const cost = await stack.costOf(async () => {
      const results = await reader.multicall({
        deployless: true,
        contracts: [1, 2, 3].map(() => ({
          abi: counterAbi,
          address: contract,
          functionName: 'get' as const,
        })),
      })
      expect(results.map(({ status }) => status)).toEqual(['success', 'success', 'success'])
      await Promise.all([
        reader.getBalance({ address: to }),
        reader.getCode({ address: contract }),
        reader.getGasPrice(),
      ])
    })
    expect(cost.messagesUp).toBeLessThanOrEqual(2)
  })

  it('behavior: watchBlockNumber tells each block', async () => {
    const numbers: bigint[] = []
    const stop = open.reader.watchBlockNumber({ emitMissed: true, onBlockNumber: (n) => numbers.push(n) })
    await until(() => numbers.length >= 3)
    stop()
    expect(numbers[2]).toBe(numbers[0]! + 2n)
  })

  describe('error:', () => {
    it('a reason of the contract is decoded, in a call and when it is prepared', async () => {
      const { wallet, reader } = open
      const call = { abi: counterAbi, address: contract, functionName: 'set' } as const
      const reverted = async (work: Promise<unknown>) => {
        const error = (await work.catch((error) => error)) as BaseError
        expect(findVeilcastError(error)?.errorName).toBe('callReverted')
        return error.walk(
          (one) => one instanceof ContractFunctionRevertedError,
        ) as ContractFunctionRevertedError
      }
      expect((await reverted(reader.simulateContract({ ...call, args: [0n] }))).reason).toBe('zero')
      const own = await reverted(reader.simulateContract({ ...call, args: [maxCount + 1n] }))
      expect(own.data).toMatchObject({ errorName: 'TooLarge', args: [maxCount + 1n] })
      expect((await reverted(wallet.writeContract({ ...call, args: [0n] }))).reason).toBe('zero')
    })

    it('an account without funds, and a nonce that is used, are known by their classes', async () => {
      const { wallet } = open
      const poor = createWalletClient({
        account: privateKeyToAccount(generatePrivateKey()),
        chain,
        transport: veilcast({ client: stack.client }),
      })
      const noFunds = await poor.sendTransaction({ to, value: 1n, gas: 21_000n }).catch((error) => error)
      const isA = (kind: new (...args: never[]) => Error) => (error: unknown) => error instanceof kind
      expect(noFunds.walk(isA(InsufficientFundsError))).not.toBeNull()
      expect(findVeilcastError(noFunds)).toMatchObject({ errorName: 'insufficientFunds', outcome: 'notSent' })

      const used = await wallet.sendTransaction({ to, nonce: 0 }).catch((error) => error)
      expect(used.walk(isA(NonceTooLowError))).not.toBeNull()
      expect(findVeilcastError(used)).toMatchObject({ errorName: 'nonceUsed', outcome: 'notSent' })
    })

    it('a method that is refused is not there', async () => {
      const cost = await stack.costOf(async () => {
        const error = await open.reader
          .request({ method: 'debug_traceTransaction' as never, params: [] as never })
          .catch((error) => error)
        expect(error).toBeInstanceOf(MethodNotFoundRpcError)
        expect(findVeilcastError(error)?.errorName).toBe('methodNotAllowed')
      })
      expect(cost.messagesUp).toBe(0)
    })

    it('an off-chain look-up is not followed, past the mixnet', async () => {
      // Reverts with what it is called with.
      const mirror = '0x365f5f37365ffd'
      const deployed = await open.wallet.sendTransactionSync({
        data: `0x66${mirror.slice(2)}5f52600760${(32 - 7).toString(16)}f3`,
      })
      const data = encodeFunctionData({
        abi: [
          {
            type: 'function',
            name: 'OffchainLookup',
            stateMutability: 'view',
            outputs: [],
            inputs: [
              { name: 'sender', type: 'address' },
              { name: 'urls', type: 'string[]' },
              { name: 'callData', type: 'bytes' },
              { name: 'callback', type: 'bytes4' },
              { name: 'extraData', type: 'bytes' },
            ],
          },
        ],
        args: [deployed.contractAddress!, ['http://127.0.0.1:9/{data}'], '0x', '0x00000000', '0x'],
      })
      const error = await open.reader.call({ to: deployed.contractAddress!, data }).catch((error) => error)
      expect(error).toBeInstanceOf(BaseError)
      expect(error.walk((one: unknown) => (one as Error).name === 'OffchainLookupError')).toBeNull()
      expect(String(error.message)).toContain('EIP-3668')
    })

    it('a transaction that was replaced is told to whoever waits for it', async () => {
      const { wallet, reader, account } = openClients(2)
      await stack.anvil.setBlockTime(0)
      try {
        const nonce = await reader.getTransactionCount({ address: account.address })
        const hash = await wallet.sendTransaction({ to, value: 1n, nonce })
        let isTold = false
        const waiting = reader
          .waitForTransactionReceipt({ hash })
          .catch((error) => error)
          .finally(() => {
            isTold = true
          })
        const other = await account.signTransaction({
          chainId: 31337,
          type: 'eip1559',
          to,
          nonce,
          gas: 21_000n,
          maxFeePerGas: parseGwei('200'),
          maxPriorityFeePerGas: parseGwei('50'),
        })
        await stack.anvil.rpc('eth_sendRawTransaction', [other])
        await until(async () => {
          await stack.anvil.mine()
          return isTold
        }, 100)
        expect(findVeilcastError(await waiting)).toMatchObject({ errorName: 'replaced', outcome: 'onChain' })
      } finally {
        await stack.anvil.setBlockTime(1000)
      }
    }, 60_000)
  })

  it('behavior: a wait can be aborted', async () => {
    const leaving = new AbortController()
    const waiting = open.reader.getBlockNumber({ cacheTime: 0 }).then(() => {
      const asked = open.reader.request(
        { method: 'eth_getBalance', params: [to, 'latest'] },
        { signal: leaving.signal },
      )
      leaving.abort()
      return asked
    })
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
  })
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startWalletStack, type WalletStack } from '../support/walletStack.ts'

/** keccak256 of 0, 1, 2 ... 199, one after the other: 6,400 bytes that no packing makes much shorter. */
const hashes = `0x${[
  '6000', // PUSH1 0: i
  '5b', // JUMPDEST at 2
  '805f52', // DUP1 PUSH0 MSTORE: memory[0] = i
  '60205f20', // PUSH1 32 PUSH0 KECCAK256: i, hash
  '8160051b602001', // DUP2 PUSH1 5 SHL PUSH1 32 ADD: i, hash, 32 i + 32
  '52', // MSTORE: i
  '600101', // PUSH1 1 ADD
  '8060c811', // DUP1 PUSH1 200 GT
  '600257', // PUSH1 2 JUMPI
  '6119006020f3', // PUSH2 6400 PUSH1 32 RETURN
].join('')}`

describe('reads over the Nym network', () => {
  let stack: WalletStack
  beforeAll(async () => {
    stack = await startWalletStack({ evm: {} })
  }, 120_000)
  afterAll(() => stack?.stop())

  const read = (method: string, params: readonly unknown[] = []) =>
    stack.client.read({ chain: stack.anvil.chainId, method, params })
  const from = () => stack.anvil.accounts[0]!.address

  it('default: what a wallet asks before it sends is one packet up and one down', async () => {
    const cost = await stack.costOf(() =>
      Promise.all([
        read('eth_getTransactionCount', [from(), 'pending']),
        read('eth_getBalance', [from(), 'latest']),
        read('eth_gasPrice'),
        read('eth_maxPriorityFeePerGas'),
        read('eth_estimateGas', [{ from: from(), to: from(), value: '0x1' }]),
      ]),
    )
    expect(cost).toEqual({ messagesUp: 1, messagesDown: 1, packetsUp: 1, packetsDown: 1 })
  })

  it('behavior: an answer of several packets costs two round trips at first, and then one; the counters say what the network counted', async () => {
    const before = { ...stack.client.reads }
    const cost = await stack.costOf(async () => {
      expect(String(await read('eth_call', [{ from: from(), data: hashes }, 'latest']))).toHaveLength(12_802)
      expect(stack.client.reads.sent - before.sent).toBe(2)
      await read('eth_call', [{ from: from(), data: `${hashes}00` }, 'latest'])
    })
    const { sent, received, packetsUp, packetsDown } = stack.client.reads
    expect({
      messagesUp: sent - before.sent,
      messagesDown: received - before.received,
      packetsUp: packetsUp - before.packetsUp,
      packetsDown: packetsDown - before.packetsDown,
    }).toEqual(cost)
    expect(cost.messagesUp).toBe(3)
  })
})

import { afterAll, describe, expect, it } from '@jest/globals'
import { startWalletStack, type WalletStack } from './walletStack.ts'

describe.each(['nym', 'loopback'] as const)('startWalletStack over %s', (network) => {
  let stack: WalletStack
  afterAll(() => stack?.stop())

  it('default: a started client that reads the chain, and what that cost', async () => {
    stack = await startWalletStack({ network, evm: {} })
    const { client, anvil } = stack
    const cost = await stack.costOf(async () => {
      expect(await client.read({ chain: anvil.chainId, method: 'eth_blockNumber' })).toBe('0x0')
    })
    const packets = network === 'nym' ? 1 : 0
    expect(cost).toEqual({ messagesUp: 1, messagesDown: 1, packetsUp: packets, packetsDown: packets })
    expect(() => stack.cosmos).toThrow('Cosmos')
  }, 120_000)
})

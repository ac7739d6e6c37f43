import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Anvil, startAnvil } from '@veilcast/devnet'
import { keccak256 } from 'viem'
import { signEthTransfer } from '../../support/devnetSign.ts'
import { until } from '../../support/until.ts'

describe('startAnvil', () => {
  let anvil: Anvil
  beforeAll(async () => {
    anvil = await startAnvil()
  })
  afterAll(() => anvil.stop())

  const height = async () => Number(await anvil.rpc<string>('eth_blockNumber'))
  const receipt = (hash: string) =>
    anvil.rpc<{ status: string; blockNumber: string } | null>('eth_getTransactionReceipt', [hash])

  it('default: includes a signed transfer at once', async () => {
    const [alice, bob] = anvil.accounts
    const before = BigInt(await anvil.rpc<string>('eth_getBalance', [bob!.address, 'latest']))
    const raw = await signEthTransfer(anvil, { from: alice!, to: bob!.address, valueWei: 5n })
    const hash = await anvil.rpc<string>('eth_sendRawTransaction', [raw])
    expect(hash).toBe(keccak256(raw))
    // anvil answers first and mines second.
    await until(async () => (await receipt(hash)) !== null)
    expect(await receipt(hash)).toMatchObject({ status: '0x1' })
    expect(BigInt(await anvil.rpc<string>('eth_getBalance', [bob!.address, 'latest']))).toBe(before + 5n)
    expect(anvil.chainId).toBe('eip155:31337')
    expect(Number(await anvil.rpc<string>('eth_chainId'))).toBe(31337)
  })

  it('behavior: finalized follows two blocks behind the head', async () => {
    await anvil.mine(4)
    const block = await anvil.rpc<{ number: string }>('eth_getBlockByNumber', ['finalized', false])
    expect(Number(block.number)).toBe((await height()) - 2)
  })

  it('behavior: a reorg takes a transaction out of the chain, and it can be sent again', async () => {
    await anvil.mine(3)
    const [, bob, carol] = anvil.accounts
    const raw = await signEthTransfer(anvil, { from: bob!, to: carol!.address, valueWei: 7n })
    const hash = await anvil.rpc<string>('eth_sendRawTransaction', [raw])
    await until(async () => (await receipt(hash)) !== null)
    const included = await height()
    const blockHash = async () =>
      (await anvil.rpc<{ hash: string }>('eth_getBlockByNumber', [`0x${included.toString(16)}`, false])).hash
    const orphaned = await blockHash()
    await anvil.reorg(1)
    expect(await blockHash()).not.toBe(orphaned)
    expect(await receipt(hash)).toBeNull()
    expect(await height()).toBe(included)
    expect(await anvil.rpc('eth_sendRawTransaction', [raw])).toBe(hash)
    await until(async () => (await receipt(hash)) !== null)
    expect(await receipt(hash)).toMatchObject({ status: '0x1' })
  })

  it('behavior: without automine a transaction waits for a block', async () => {
    await anvil.setAutomine(false)
    const [, , carol, dave] = anvil.accounts
    const raw = await signEthTransfer(anvil, { from: carol!, to: dave!.address, valueWei: 1n })
    const hash = await anvil.rpc<string>('eth_sendRawTransaction', [raw])
    expect(await receipt(hash)).toBeNull()
    await anvil.mine()
    expect(await receipt(hash)).toMatchObject({ status: '0x1' })
    await anvil.setAutomine(true)
  })

  it('behavior: an error of the node keeps its code', async () => {
    await expect(anvil.rpc('eth_sendRawTransaction', ['0x02'])).rejects.toMatchObject({
      code: expect.any(Number),
    })
  })

  it('behavior: blockTimeMs makes blocks without transactions, and stop ends the process', async () => {
    const ticking = await startAnvil({ blockTimeMs: 100, chainId: 7 })
    expect(ticking.chainId).toBe('eip155:7')
    while (Number(await ticking.rpc<string>('eth_blockNumber')) < 3) await new Promise(setImmediate)
    await ticking.stop()
    await ticking.exited
    await expect(ticking.rpc('eth_blockNumber')).rejects.toThrow('fetch failed')
    await ticking.stop()
  })

  it('behavior: a taken port is an error that says so', async () => {
    const port = Number(new URL(anvil.rpcUrl).port)
    await expect(startAnvil({ port })).rejects.toThrow(/anvil ended with status \d+\n.*in use/s)
  })
})

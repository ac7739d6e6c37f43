import { describe, expect, it } from '@jest/globals'
import { findVeilcastError } from '@veilcast/client'
import { createCosmosNode } from '@veilcast/client/cosmjs'
import { createEip1193Provider } from '@veilcast/client/eip1193'
import { veilcast } from '@veilcast/client/viem'
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import { createWalletClient } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { mainnet } from 'viem/chains'
import { maxFee } from '../../client/dist/cli/maxFee.js'
import { createEvmNode } from '../../client/dist/evm/createEvmNode.js'
import { CosmosKey, signCosmosTx } from '../support/cosmosTx.ts'
import { type ScriptedNode, scriptedNode } from '../support/scriptedNode.ts'

const account = privateKeyToAccount(`0x${'11'.repeat(32)}`)
const to = `0x${'22'.repeat(20)}` as const
const ether = 10n ** 18n

/** A broadcaster that suggests a base fee of 0.01 ether a gas, and honest answers beside it. */
function greedy(): ScriptedNode {
  const fee = `0x${(ether / 100n).toString(16)}`
  const answers: Readonly<Record<string, unknown>> = {
    eth_getTransactionCount: '0x7',
    eth_estimateGas: '0x5208',
    eth_feeHistory: { baseFeePerGas: [fee, fee] },
    eth_maxPriorityFeePerGas: fee,
    eth_gasPrice: fee,
    eth_getBlockByNumber: { baseFeePerGas: fee, number: '0xa', transactions: [] },
  }
  return scriptedNode({ answer: ({ method }) => answers[method] })
}

const refusalOf = async (sending: Promise<unknown>) => {
  const error = findVeilcastError(await sending.catch((thrown: unknown) => thrown))
  return { name: error?.errorName, outcome: error?.outcome, details: error?.details }
}

describe('the limit on fees', () => {
  describe('a broadcaster that suggests absurd fees', () => {
    it('default: what viem has filled and signed by them is not sent', async () => {
      const script = greedy()
      const wallet = createWalletClient({
        account,
        chain: mainnet,
        transport: veilcast({ client: script.client }),
      })
      expect(await refusalOf(wallet.sendTransaction({ to, value: 1n }))).toMatchObject({
        name: 'feeAboveLimit',
        outcome: 'notSent',
        details: expect.stringMatching(/^It may pay \d{21,} wei, the limit is 10{18}\.$/),
      })
      expect(script.asked.length).toBeGreaterThan(0)
      expect(script.sent).toEqual([])
    })

    it('default: nor what a provider has', async () => {
      const script = greedy()
      const provider = createEip1193Provider({
        client: script.client,
        chains: ['eip155:1'],
        signer: account,
      })
      const params = [{ from: account.address, to, value: '0x1' }]
      const sending = provider.request({ method: 'eth_sendTransaction', params })
      expect((await refusalOf(sending)).name).toBe('feeAboveLimit')
      expect(script.sent).toEqual([])
    })

    it('behavior: with a higher limit it is', async () => {
      const script = greedy()
      const wallet = createWalletClient({
        account,
        chain: mainnet,
        transport: veilcast({ client: script.client, maxFeeWei: 10n ** 24n }),
      })
      await wallet.sendTransaction({ to, value: 1n })
      expect(script.sent).toHaveLength(1)
      const provider = createEip1193Provider({
        client: script.client,
        chains: ['eip155:1'],
        signer: account,
        maxFeeWei: { 'eip155:1': 10n ** 24n },
      })
      const params = [{ from: account.address, to, value: '0x1' }]
      await provider.request({ method: 'eth_sendTransaction', params })
      expect(script.sent).toHaveLength(2)
    })
  })

  describe('an EVM transaction', () => {
    const common = { chainId: 1, nonce: 0, to, gas: 100_000n } as const
    const atMost = 10n ** 13n
    it.each([
      ['legacy', { ...common, type: 'legacy', gasPrice: atMost }],
      ['eip2930', { ...common, type: 'eip2930', gasPrice: atMost }],
      ['eip1559', { ...common, type: 'eip1559', maxFeePerGas: atMost }],
    ] as const)('%s: one ether is sent, a wei of a gas more is not', async (_type, transaction) => {
      const send = async (more: object, maxFeeWei?: bigint) => {
        const script = scriptedNode()
        const node = createEvmNode(script.client, { chain: 'eip155:1', maxFeeWei })
        const raw = await account.signTransaction({ ...transaction, ...more } as never)
        const refusal = await refusalOf(node.request({ method: 'eth_sendRawTransaction', params: [raw] }))
        return [refusal.name, script.sent.length]
      }
      expect(await send({})).toEqual([undefined, 1])
      expect(await send({ gas: 100_001n })).toEqual(['feeAboveLimit', 0])
      expect(await send({ gas: 100_001n }, 2n * ether)).toEqual([undefined, 1])
      // What it sends is not a fee.
      expect(await send({ value: 1_000n * ether })).toEqual([undefined, 1])
    })

    it('behavior: the synchronous call, too', async () => {
      const script = scriptedNode()
      const node = createEvmNode(script.client, { chain: 'eip155:1', maxFeeWei: 1n })
      const raw = await account.signTransaction({ ...common, type: 'eip1559', maxFeePerGas: 1n } as never)
      const sending = node.request({ method: 'eth_sendRawTransactionSync', params: [raw] })
      expect((await refusalOf(sending)).name).toBe('feeAboveLimit')
      expect(script.sent).toEqual([])
    })
  })

  describe('a Cosmos transaction', () => {
    const key = new CosmosKey('fees')
    const signed = (gasLimit: bigint, amount: { denom: string; amount: string }[]) =>
      Buffer.from(TxRaw.encode(signCosmosTx({ key, fee: { gasLimit, amount } })).finish()).toString('base64')
    const send = async (tx: string, limits: object = {}) => {
      const script = scriptedNode()
      const node = createCosmosNode(script.client, { chain: 'cosmos:fake-1', ...limits })
      // Of what is sent nobody tells anything here.
      const wait = { timeoutMs: 50 }
      const viaRpc = await refusalOf(node.request({ method: 'broadcast_tx_async', params: { tx } }, wait))
      const body = { tx_bytes: tx, mode: 'BROADCAST_MODE_SYNC' }
      const viaRest = await refusalOf(
        node.rest({ method: 'POST', path: '/cosmos/tx/v1beta1/txs', body }, wait),
      )
      return { names: [viaRpc.name, viaRest.name], sent: script.sent.length, details: viaRpc.details }
    }
    const refused = { names: ['feeAboveLimit', 'feeAboveLimit'], sent: 0 }

    it('default: any fee, and a hundred million gas', async () => {
      expect((await send(signed(100_000_000n, [{ denom: 'stake', amount: '9'.repeat(30) }]))).sent).toBe(1)
      const told = await send(signed(100_000_001n, []))
      expect(told).toMatchObject(refused)
      expect(told.details).toBe('It may use 100000001 gas, the limit is 100000000.')
    })

    it('behavior: of each denomination so much, and none of another', async () => {
      const limits = { maxFee: { stake: 5n } }
      expect((await send(signed(1n, [{ denom: 'stake', amount: '5' }]), limits)).sent).toBe(1)
      expect(await send(signed(1n, [{ denom: 'stake', amount: '6' }]), limits)).toMatchObject(refused)
      const other = await send(signed(1n, [{ denom: 'toString', amount: '1' }]), limits)
      expect(other).toMatchObject({ ...refused, details: 'It pays 1 toString, the limit is 0.' })
    })
  })

  it('veilcast rpc: --max-fee takes one chain after the other', () => {
    const one = maxFee('eip155:369=1000')
    const two = maxFee('cosmos:cosmoshub-4=5000uatom', one)
    expect(maxFee('cosmos:cosmoshub-4=7ibc/27AB', two)).toEqual({
      'eip155:369': 1000n,
      'cosmos:cosmoshub-4': { uatom: 5000n, 'ibc/27AB': 7n },
    })
    for (const text of ['', '1', 'eip155:1', 'eip155:1=1uatom', 'cosmos:hub=5', 'eip155:1=-1', 'x=1']) {
      expect(() => maxFee(text)).toThrow(/It is a chain and what a transaction may pay there/)
    }
  })
})

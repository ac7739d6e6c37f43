import type { VeilcastClient } from '@veilcast/client'
import { veilcast } from '@veilcast/client/viem'
import { createPublicClient, defineChain, formatGwei, keccak256 } from 'viem'
import type { EvmChainConfig } from '../config/WalletConfig.ts'
import type { Keys } from '../keys/Keys.ts'
import type { Chain, Quote } from './Chain.ts'

export function openEvmChain(config: EvmChainConfig, client: VeilcastClient): Chain {
  const { chain, name, symbol, decimals, chainId } = config
  const node = createPublicClient({
    chain: defineChain({
      id: chainId,
      name,
      nativeCurrency: { name: symbol, symbol, decimals },
      rpcUrls: { default: { http: [] } },
    }),
    transport: veilcast({ client }),
  })
  return {
    config,
    readBalance: (address) => node.getBalance({ address: address as `0x${string}` }),
    quote: (keys, to, amount) => quote(keys, to as `0x${string}`, amount),
  }

  async function quote({ evm }: Keys, to: `0x${string}`, amount: bigint): Promise<Quote> {
    const [balance, request] = await Promise.all([
      node.getBalance({ address: evm.address }),
      node.prepareTransactionRequest({
        account: evm,
        to,
        value: amount,
        type: 'eip1559',
        parameters: ['nonce', 'gas', 'fees', 'chainId'],
      }),
    ])
    const { nonce, gas, maxFeePerGas, maxPriorityFeePerGas } = request
    return {
      chain,
      to,
      amount,
      maxFee: gas * maxFeePerGas,
      feeDetails: `${gas} gas at ${formatGwei(maxFeePerGas)} gwei at most`,
      number: nonce,
      balance,
      async sign() {
        const fees = { gas, maxFeePerGas, maxPriorityFeePerGas }
        const payment = { type: 'eip1559', chainId, to, value: amount, nonce, ...fees } as const
        const signedTx = await evm.signTransaction(payment)
        return { signedTx, txId: keccak256(signedTx) }
      },
    }
  }
}

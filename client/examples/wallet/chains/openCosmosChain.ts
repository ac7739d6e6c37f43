import { toHex } from '@cosmjs/encoding'
import { coin } from '@cosmjs/proto-signing'
import { calculateFee, GasPrice, SigningStargateClient, StargateClient } from '@cosmjs/stargate'
import { Comet38Client } from '@cosmjs/tendermint-rpc'
import type { VeilcastClient } from '@veilcast/client'
import { createRpcClient } from '@veilcast/client/cosmjs'
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import type { CosmosChainConfig } from '../config/WalletConfig.ts'
import type { Keys } from '../keys/Keys.ts'
import type { Chain, Quote } from './Chain.ts'

/** What the simulation says is what one run took; another one may take a little more. */
const gasMargin = 1.4

export function openCosmosChain(config: CosmosChainConfig, client: VeilcastClient): Chain {
  const { chain, chainId, denom, bech32Prefix } = config
  const comet = Comet38Client.create(createRpcClient(client, { chain }))
  return { config, readBalance: balanceOf, quote }

  async function balanceOf(address: string): Promise<bigint> {
    const reader = await StargateClient.create(comet)
    return BigInt((await reader.getBalance(address, denom)).amount)
  }

  async function quote(keys: Keys, to: string, amount: bigint): Promise<Quote> {
    const wallet = await keys.cosmos(bech32Prefix)
    const from = (await wallet.getAccounts())[0]?.address ?? ''
    const signer = SigningStargateClient.createWithSigner(comet, wallet)
    const messages = [
      {
        typeUrl: '/cosmos.bank.v1beta1.MsgSend',
        value: { fromAddress: from, toAddress: to, amount: [coin(amount.toString(), denom)] },
      },
    ]
    const [balance, { accountNumber, sequence }, gasUsed] = await Promise.all([
      balanceOf(from),
      signer.getSequence(from),
      signer.simulate(from, messages, ''),
    ])
    const gas = Math.ceil(gasUsed * gasMargin)
    const fee = calculateFee(gas, GasPrice.fromString(`${config.gasPrice}${denom}`))
    return {
      chain,
      to,
      amount,
      maxFee: BigInt(fee.amount[0]?.amount ?? 0),
      feeDetails: `${gas} gas at ${config.gasPrice} ${denom}`,
      number: sequence,
      balance,
      async sign() {
        const signed = await signer.sign(from, messages, fee, '', { accountNumber, sequence, chainId })
        const bytes = Uint8Array.from(TxRaw.encode(signed).finish())
        const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
        return { signedTx: toHex(bytes), txId: toHex(hash).toUpperCase() }
      },
    }
  }
}

import { coin, DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import { calculateFee, GasPrice, SigningStargateClient, StargateClient } from '@cosmjs/stargate'
import type { Anvil, CosmosChain } from '@veilcast/devnet'
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import { hexToBytes, parseEther, parseGwei } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

/** What a wallet does before Veilcast has a part in it: sign. Here it reads nonces from its own dev chain. */
export async function signEvmTransfer(anvil: Anvil): Promise<Uint8Array> {
  const [from, to] = anvil.accounts
  if (!from || !to) throw new Error('anvil has no accounts')
  const nonce = Number(await anvil.rpc<string>('eth_getTransactionCount', [from.address, 'pending']))
  return hexToBytes(
    await privateKeyToAccount(from.privateKey as `0x${string}`).signTransaction({
      type: 'eip1559',
      chainId: Number(anvil.chainId.split(':')[1]),
      nonce,
      to: to.address as `0x${string}`,
      value: parseEther('0.1'),
      gas: 21_000n,
      maxFeePerGas: parseGwei('3'),
      maxPriorityFeePerGas: parseGwei('1'),
    }),
  )
}

export async function signCosmosSend(chain: CosmosChain): Promise<Uint8Array> {
  const [from, to] = chain.accounts
  if (!from || !to) throw new Error('the chain has no accounts')
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(from.mnemonic, { prefix: chain.bech32Prefix })
  const reader = await StargateClient.connect(chain.rpcUrl)
  const { accountNumber, sequence } = await reader.getSequence(from.address)
  reader.disconnect()
  const signer = await SigningStargateClient.offline(wallet)
  const message = {
    typeUrl: '/cosmos.bank.v1beta1.MsgSend',
    value: { fromAddress: from.address, toAddress: to.address, amount: [coin(1000, chain.denom)] },
  }
  const tx = await signer.sign(
    from.address,
    [message],
    calculateFee(120_000, GasPrice.fromString(chain.gasPrice)),
    '',
    {
      accountNumber,
      sequence,
      chainId: chain.reference,
    },
  )
  return TxRaw.encode(tx).finish()
}

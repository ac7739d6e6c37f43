import { coin, DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import { calculateFee, GasPrice, SigningStargateClient, StargateClient } from '@cosmjs/stargate'
import type { Anvil, AnvilAccount, CosmosAccount, CosmosChain } from '@veilcast/devnet'
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx'
import { privateKeyToAccount } from 'viem/accounts'

export type MsgSend = {
  from: CosmosAccount
  /** An address. */
  to: string
  /** In base units of the chain's denom. */
  amount: number
  /** Default: what the chain says. */
  sequence?: number
  /** Default: what the chain says. */
  accountNumber?: number
  /** Default 120 000. */
  gas?: number
  memo?: string
  /** The last block that may include it. Default: none. */
  timeoutHeight?: bigint
}

/** A bank transfer at the chain's lowest gas price, in SIGN_MODE_DIRECT, as TxRaw. Give the sequence to sign several. */
export async function signMsgSend(chain: CosmosChain, send: MsgSend): Promise<Uint8Array> {
  const { address } = send.from
  const wallet = await openWallet(send.from.mnemonic, chain.bech32Prefix)
  const known = send.sequence !== undefined && send.accountNumber !== undefined
  const account = known ? undefined : await readAccount(chain, address)
  const message = {
    typeUrl: '/cosmos.bank.v1beta1.MsgSend',
    value: { fromAddress: address, toAddress: send.to, amount: [coin(send.amount, chain.denom)] },
  }
  const client = await SigningStargateClient.offline(wallet)
  const tx = await client.sign(
    address,
    [message],
    calculateFee(send.gas ?? 120_000, GasPrice.fromString(chain.gasPrice)),
    send.memo ?? '',
    {
      accountNumber: BigInt(send.accountNumber ?? account!.accountNumber),
      sequence: send.sequence ?? account!.sequence,
      chainId: chain.reference,
    },
    send.timeoutHeight,
  )
  return TxRaw.encode(tx).finish()
}

export type EthTransfer = {
  from: AnvilAccount
  to: `0x${string}`
  valueWei: bigint
  /** Default: the account's next, with what waits in the pool. */
  nonce?: number
  /** Default 2 gwei. */
  maxFeePerGas?: bigint
  /** Default 1 gwei. */
  maxPriorityFeePerGas?: bigint
  /** Default 21 000, or 60 000 with data. */
  gas?: bigint
  data?: `0x${string}`
}

/** An EIP-1559 transfer, as `eth_sendRawTransaction` takes it. Give the nonce to sign several. */
export async function signEthTransfer(anvil: Anvil, transfer: EthTransfer): Promise<`0x${string}`> {
  const { from, to, valueWei, data } = transfer
  const nonce =
    transfer.nonce ?? Number(await anvil.rpc<string>('eth_getTransactionCount', [from.address, 'pending']))
  return privateKeyToAccount(from.privateKey).signTransaction({
    type: 'eip1559',
    chainId: Number(anvil.chainId.slice('eip155:'.length)),
    to,
    value: valueWei,
    nonce,
    gas: transfer.gas ?? (data ? 60_000n : 21_000n),
    maxFeePerGas: transfer.maxFeePerGas ?? 2_000_000_000n,
    maxPriorityFeePerGas: transfer.maxPriorityFeePerGas ?? 1_000_000_000n,
    ...(data && { data }),
  })
}

/** Deriving a key from its mnemonic takes a tenth of a second: once per account. */
const wallets = new Map<string, Promise<DirectSecp256k1HdWallet>>()

function openWallet(mnemonic: string, prefix: string): Promise<DirectSecp256k1HdWallet> {
  const key = `${prefix} ${mnemonic}`
  const wallet = wallets.get(key) ?? DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix })
  wallets.set(key, wallet)
  return wallet
}

async function readAccount(chain: CosmosChain, address: string) {
  const client = await StargateClient.connect(chain.rpcUrl)
  try {
    return await client.getSequence(address)
  } finally {
    client.disconnect()
  }
}

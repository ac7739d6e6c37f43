import { coin, DirectSecp256k1HdWallet } from '@cosmjs/proto-signing'
import { calculateFee, SigningStargateClient } from '@cosmjs/stargate'
import { type CosmosChain, startCosmosChain } from '@veilcast/devnet'
import type { ChainAdapter } from '../../broadcaster/dist/chains/ChainAdapter.js'
import { cosmosChainConfig } from '../../broadcaster/dist/chains/cosmos/config.js'
import { createCosmosAdapter } from '../../broadcaster/dist/chains/cosmos/createCosmosAdapter.js'
import type { ChainUnderTest } from '../contract/chainAdapter.ts'
import { CosmosKey, signCosmosTx, txBytes } from './cosmosTx.ts'
import { until } from './until.ts'

/** Of the chain fake-1, unless told otherwise. */
export function cosmosAdapterOf(urls: readonly string[], more: Record<string, unknown> = {}): ChainAdapter {
  return createCosmosAdapter(
    cosmosChainConfig.parse({
      chain: 'cosmos:fake-1',
      bech32Prefix: 'cosmos',
      endpoints: urls.map((url, index) => ({ id: `e${index}`, url })),
      probeIntervalMs: 100,
      ...more,
    }),
  )
}

/** Started, and all its endpoints live. */
export async function liveCosmosAdapter(
  urls: readonly string[],
  more: Record<string, unknown> = {},
): Promise<ChainAdapter> {
  const adapter = cosmosAdapterOf(urls, more)
  await adapter.start()
  await until(() => adapter.endpoints().every(({ live }) => live))
  return adapter
}

/** Accounts that one chain of the contract suite can give away. */
const contractAccounts = 48

/** A Cosmos SDK chain, as the contract suite wants it: its blocks come by themselves. */
export async function startCosmosUnderTest(): Promise<ChainUnderTest> {
  const chain = await startCosmosChain({ blockTimeMs: 100 })
  const { reference: chainId, chainId: caip2, bech32Prefix, denom } = chain
  const keys = Array.from({ length: contractAccounts }, (_, index) => new CosmosKey(`contract ${index}`))
  const numbers = await fund(chain, keys)
  const fee = { amount: [{ denom, amount: '3000' }], gasLimit: 120_000n }
  return {
    url: chain.rpcUrl,
    createAdapter: (endpoints) =>
      createCosmosAdapter(
        cosmosChainConfig.parse({
          chain: caip2,
          bech32Prefix,
          endpoints,
          probeIntervalMs: 100,
          requestTimeoutMs: 4_000,
        }),
      ),
    newAccount: async () => {
      const key = keys.pop()
      if (!key) throw new Error('the suite needs more accounts')
      const accountNumber = numbers.get(key.address)!
      return {
        sequence: 0n,
        sign: async (sequence) => txBytes(signCosmosTx({ key, chainId, accountNumber, sequence, fee })),
      }
    },
    mine: async () => {},
    submitMethod: 'broadcast_tx_sync',
    read: {
      method: 'block',
      params: { height: '1' },
      isRight: (result) =>
        (result as { block: { header: { chain_id: string } } }).block.header.chain_id === chainId,
    },
    misfit: { method: 'block', params: { height: '-1' } },
    forbidden: { method: 'genesis', params: {} },
    stop: () => chain.stop(),
  }
}

/** Sends coins to all in one transaction; their account numbers by address. */
async function fund(chain: CosmosChain, keys: readonly CosmosKey[]): Promise<Map<string, bigint>> {
  const { address, mnemonic } = chain.accounts[0]!
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix: chain.bech32Prefix })
  const client = await SigningStargateClient.connectWithSigner(chain.rpcUrl, wallet, {
    broadcastPollIntervalMs: 100,
  })
  try {
    const messages = keys.map((key) => ({
      typeUrl: '/cosmos.bank.v1beta1.MsgSend',
      value: { fromAddress: address, toAddress: key.address, amount: [coin(1_000_000, chain.denom)] },
    }))
    const { code } = await client.signAndBroadcast(
      address,
      messages,
      calculateFee(100_000 * keys.length, chain.gasPrice),
    )
    if (code !== 0) throw new Error(`funding failed with code ${code}`)
    const numbers = new Map<string, bigint>()
    for (const key of keys) {
      numbers.set(key.address, BigInt((await client.getSequence(key.address)).accountNumber))
    }
    return numbers
  } finally {
    client.disconnect()
  }
}

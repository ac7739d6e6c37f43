import { type Anvil, startAnvil } from '@veilcast/devnet'
import { type Hex, hexToBytes } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import type { ChainAdapter } from '../../broadcaster/dist/chains/ChainAdapter.js'
import { evmChainConfig } from '../../broadcaster/dist/chains/evm/config.js'
import { createEvmAdapter } from '../../broadcaster/dist/chains/evm/createEvmAdapter.js'
import type { ChainUnderTest, TestAccount } from '../contract/chainAdapter.ts'

export const anvilChainId = 31337
export const recipient = '0x00000000000000000000000000000000000000a1'

/** Endpoints are probed every 100 ms; blocks are final two on. */
export function createAnvilAdapter(
  endpoints: readonly { id: string; operator: string; url: string }[],
  more: Record<string, unknown> = {},
): ChainAdapter {
  return createEvmAdapter(
    evmChainConfig.parse({
      chain: `eip155:${anvilChainId}`,
      endpoints,
      finality: { rule: 'confirmations', confirmations: 2 },
      probeIntervalMs: 100,
      requestTimeoutMs: 4_000,
      ...more,
    }),
  )
}

/** An account with 100 ether. */
export async function fundedAccount(anvil: Anvil): Promise<PrivateKeyAccount> {
  const account = privateKeyToAccount(generatePrivateKey())
  await anvil.rpc('anvil_setBalance', [account.address, '0x56bc75e2d63100000'])
  return account
}

export async function signTransfer(account: PrivateKeyAccount, nonce: number): Promise<Uint8Array> {
  return toBytes(
    await account.signTransaction({
      type: 'eip1559',
      chainId: anvilChainId,
      nonce,
      to: recipient,
      value: 1n,
      gas: 21_000n,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 10n ** 9n,
    }),
  )
}

export function toBytes(hex: Hex): Uint8Array {
  return hexToBytes(hex)
}

/** anvil, as the contract suite wants it: it mines only when it is told to. */
export async function startAnvilUnderTest(): Promise<ChainUnderTest> {
  const anvil = await startAnvil({ chainId: anvilChainId })
  await anvil.setAutomine(false)
  return {
    url: anvil.rpcUrl,
    createAdapter: (endpoints) => createAnvilAdapter(endpoints),
    async newAccount(): Promise<TestAccount> {
      const account = await fundedAccount(anvil)
      return { sequence: 0n, sign: (sequence) => signTransfer(account, Number(sequence)) }
    },
    mine: () => anvil.mine(),
    submitMethod: 'eth_sendRawTransaction',
    read: {
      method: 'eth_getBalance',
      params: [anvil.accounts[0]?.address, 'latest'],
      isRight: (result) => typeof result === 'string' && BigInt(result) > 0n,
    },
    misfit: { method: 'eth_getBalance', params: ['0x12', 'latest'] },
    forbidden: { method: 'eth_accounts', params: [] },
    stop: () => anvil.stop(),
  }
}

import { createTransport, type EIP1193RequestFn, type Transport } from 'viem'
import { createEvmNode, type EvmNode, type NodeClient } from '../evm/createEvmNode.ts'
import { fitFilledFees } from './fitFilledFees.ts'

export interface VeilcastTransportOptions {
  /** A Veilcast client, started before the first request. */
  readonly client: NodeClient
  /** CAIP-2. Default: that of the viem client's chain. */
  readonly chain?: string | undefined
  /** Default `veilcast`. */
  readonly key?: string | undefined
  /** Default `Veilcast`. */
  readonly name?: string | undefined
  /**
   * How often viem asks again after a failure. Default 0: what is lost on the way the client repeats by itself, and knows
   * whether it may.
   */
  readonly retryCount?: number | undefined
  /** The first pause before such a repetition, in milliseconds. Default viem's, 150. */
  readonly retryDelay?: number | undefined
  /**
   * Answers the receipt of a transaction that was sent over this client only once it is in a block, so that
   * `waitForTransactionReceipt` neither polls nor looks through blocks meanwhile. False: null until then, as by any node.
   * Default true.
   */
  readonly holdReceipts?: boolean | undefined
  /**
   * The most that a transaction may pay in fees, its gas limit at its highest price, in wei: gas and fees are what a broadcaster
   * suggests. One above it is not sent (`feeAboveLimit`). Default 10^18, one whole coin.
   */
  readonly maxFeeWei?: bigint | undefined
}

export type VeilcastTransport = Transport<'veilcast', { readonly node: EvmNode }, EIP1193RequestFn>

/**
 * A viem transport: everything that a wallet client or a public client asks goes through the mixnet, and nothing past it.
 * Requests that are made together travel together; `sendTransaction` is one round trip to prepare and one to send.
 *
 * **Never write `fallback([veilcast(...), http()])`.** When the mixnet is slow or away, viem then sends the same request, the
 * transaction and the address of its owner among them, over the clear net, and says nothing. If there must be another way,
 * make it another Veilcast broadcaster: `createClient({ broadcasters: [first, second] })`.
 *
 * Errors are viem's own. `findVeilcastError(error)` finds ours in them: its `outcome` says whether the transaction may still
 * land. Off-chain look-ups (CCIP read, EIP-3668) would leave the mixnet: they fail.
 *
 * @example
 * import { createClient } from '@veilcast/client'
 * import { createNymWasmDialer } from '@veilcast/client/nym-wasm'
 * import { veilcast } from '@veilcast/client/viem'
 * import { createWalletClient, parseEther } from 'viem'
 * import { privateKeyToAccount } from 'viem/accounts'
 * import { mainnet } from 'viem/chains'
 *
 * const client = createClient({
 *   mixnet: createNymWasmDialer({ nymApiUrl: 'https://validator.nymtech.net/api' }),
 *   broadcasters: ['<identity>.<encryption key>@<gateway>'],
 * })
 * await client.start()
 * const wallet = createWalletClient({
 *   account: privateKeyToAccount('0x…'),
 *   chain: mainnet,
 *   transport: veilcast({ client }),
 * })
 * const hash = await wallet.sendTransaction({ to: '0x…', value: parseEther('0.1') })
 */
export function veilcast(options: VeilcastTransportOptions): VeilcastTransport {
  const { client, key = 'veilcast', name = 'Veilcast', retryCount = 0, retryDelay, holdReceipts } = options
  return ({ chain }) => {
    const node = createEvmNode(client, {
      chain: options.chain ?? (chain ? `eip155:${chain.id}` : ''),
      holdReceipts: holdReceipts ?? true,
      maxFeeWei: options.maxFeeWei,
    })
    const multiplier = chain?.fees?.baseFeeMultiplier
    return createTransport(
      {
        key,
        name,
        type: 'veilcast',
        retryCount,
        retryDelay,
        async request(args, wait) {
          const result = await node.request(args as { method: string; params?: unknown }, wait)
          return args.method === 'eth_fillTransaction'
            ? (fitFilledFees(result, args.params, multiplier) as never)
            : (result as never)
        },
      },
      { node },
    )
  }
}

import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { createEvmNode, type EvmNode, type NodeClient, type Subscription } from '../evm/createEvmNode.ts'
import type { FilledTransaction, TransactionFields } from '../evm/fillTransaction.ts'
import { readQuantity, toQuantity } from '../evm/quantity.ts'
import { createEvents, type EventName, type Hear } from './createEvents.ts'
import { type LocalSigner, openSigner, type SigningProvider } from './openSigner.ts'
import {
  invalidRequest,
  ProviderRpcError,
  providerCodes,
  toProviderError,
  unauthorized,
} from './ProviderRpcError.ts'
import { rememberFilled } from './rememberFilled.ts'

export interface Eip1193Options {
  /** A Veilcast client, started before the first request. */
  readonly client: NodeClient
  /** CAIP-2, those that the user may switch between; the first is the one at the start. At most 64. */
  readonly chains: readonly string[]
  /** A local account of viem's shape, or a provider that can `eth_signTransaction`. */
  readonly signer: LocalSigner | SigningProvider
  /**
   * Answers the receipt of a transaction that was sent from here only once it is in a block. False: null until then.
   * Default true.
   */
  readonly holdReceipts?: boolean | undefined
  /**
   * The most that a transaction may pay in fees, its gas limit at its highest price, in wei: gas and fees are what a broadcaster
   * suggests. One above it is not sent (`feeAboveLimit`). By chain; default 10^18, one whole
   * coin, for each.
   */
  readonly maxFeeWei?: Readonly<Record<string, bigint>> | undefined
}

/** EIP-1193. */
export interface Eip1193Provider {
  /** @throws ProviderRpcError */
  request(
    args: { readonly method: string; readonly params?: unknown },
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<unknown>
  /** `connect`, `disconnect`, `chainChanged`, `accountsChanged`, `message`. */
  on(event: EventName, hear: Hear): Eip1193Provider
  removeListener(event: EventName, hear: Hear): Eip1193Provider
  /** Ends its subscriptions. The client and the signer go on. Idempotent. */
  stop(): void
}

const maxChains = 64
const maxSubscriptions = 32
/** Transactions of this provider that wait for their turn to be filled and signed. */
const maxWaitingSends = 64

/**
 * A provider for ethers, web3 and wagmi: it reads and sends through the mixnet, and has the signer sign. What the signer is
 * asked are accounts and signatures, never anything that it would ask a network for: a method that is not known here is
 * refused with 4200.
 *
 * @example
 * import { createEip1193Provider } from '@veilcast/client/eip1193'
 * import { BrowserProvider } from 'ethers'
 * import { privateKeyToAccount } from 'viem/accounts'
 *
 * const provider = createEip1193Provider({
 *   client,
 *   chains: ['eip155:1'],
 *   signer: privateKeyToAccount('0x…'),
 * })
 * const signer = await new BrowserProvider(provider).getSigner()
 * const sent = await signer.sendTransaction({ to: '0x…', value: 1n })
 * await sent.wait()
 *
 * @throws VeilcastError `invalidArgument`
 */
export function createEip1193Provider(options: Eip1193Options): Eip1193Provider {
  const { client, chains, holdReceipts = true, maxFeeWei } = options
  if (!Array.isArray(chains) || chains.length === 0 || chains.length > maxChains) {
    throw new VeilcastError('invalidArgument', { details: `chains: names 1 to ${maxChains}.` })
  }
  const nodes = new Map(
    chains.map((chain) => [
      chain,
      createEvmNode(client, { chain, holdReceipts, maxFeeWei: maxFeeWei?.[chain] }),
    ]),
  )
  const signer = openSigner(options.signer)
  const events = createEvents()
  const remembered = rememberFilled(client)
  const subscriptions = new Map<string, Subscription>()
  let current = nodes.get(chains[0]) as EvmNode
  let isConnected: boolean | undefined
  let lastSubscription = 0
  let waitingSends = 0
  let sending: Promise<unknown> = Promise.resolve()

  const chainIdOf = (node: EvmNode) => toQuantity(BigInt(node.chain.slice('eip155:'.length)))
  const isOwn = async (address: unknown) => {
    if (typeof address !== 'string') throw invalidRequest('The address is a string.')
    const own = (await signer.accounts(false)).some((one) => one.toLowerCase() === address.toLowerCase())
    if (!own) throw unauthorized()
    return address
  }

  /** One after the other up to the signature, or two would take the same nonce. */
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    if (waitingSends >= maxWaitingSends) {
      throw new VeilcastError('tooManyPending', { values: { limit: maxWaitingSends } })
    }
    waitingSends += 1
    const turn = sending.then(act).finally(() => {
      waitingSends -= 1
    })
    sending = turn.catch(() => undefined)
    return turn
  }

  const sign = async (
    transaction: unknown,
    node: EvmNode,
    signal: AbortSignal | undefined,
  ): Promise<string> => {
    if (typeof transaction !== 'object' || transaction === null)
      throw invalidRequest('The transaction is an object.')
    const request = transaction as TransactionFields
    const from = await isOwn(request.from ?? (await signer.accounts(false))[0])
    const given = Object.fromEntries(
      Object.entries(request).filter(([, value]) => value !== undefined && value !== null),
    )
    const known = await remembered.recall(node, from, given)
    const { tx } = (await node.request(
      { method: 'eth_fillTransaction', params: [{ ...known, ...given, from }] },
      { signal },
    )) as FilledTransaction
    if (signal?.aborted) throw new VeilcastError('abortedBeforeSending')
    return signer.signTransaction(tx)
  }

  const send = async (given: unknown, signal: AbortSignal | undefined): Promise<unknown> => {
    const node = current
    // The next one's turn comes once this one is known to hold its nonce, and not when an endpoint has it.
    const { sent } = await inTurn(async () => {
      const raw = await sign(given, node, signal)
      const sent = node.request({ method: 'eth_sendRawTransaction', params: [raw] }, { signal })
      sent.catch(() => undefined)
      return { sent }
    })
    return sent
  }

  const switchChain = (param: unknown): null => {
    const wanted = readQuantity((param as { readonly chainId?: unknown } | null | undefined)?.chainId)
    if (wanted === undefined) throw invalidRequest('chainId is a quantity.')
    const node = nodes.get(`eip155:${wanted}`)
    if (!node)
      throw new ProviderRpcError(providerCodes.unknownChain, 'The chain is not one of this provider.')
    if (node === current) return null
    current = node
    events.emit('chainChanged', chainIdOf(node))
    return null
  }

  const subscribe = ([kind, filter]: readonly unknown[]): string => {
    if (kind !== 'newHeads' && kind !== 'logs')
      throw invalidRequest('newHeads and logs can be subscribed to.')
    if (subscriptions.size >= maxSubscriptions) {
      throw new VeilcastError('tooManyPending', { values: { limit: maxSubscriptions } })
    }
    lastSubscription += 1
    const id = toQuantity(lastSubscription)
    const tell = (result: unknown) =>
      events.emit('message', { type: 'eth_subscription', data: { subscription: id, result } })
    subscriptions.set(id, current.subscribe(kind, filter, tell, note))
    return id
  }

  const unsubscribe = (id: unknown): boolean => {
    const found = typeof id === 'string' ? subscriptions.get(id) : undefined
    found?.stop()
    return found !== undefined && subscriptions.delete(id as string)
  }

  const answer = async (method: string, params: readonly unknown[], signal: AbortSignal | undefined) => {
    switch (method) {
      case 'eth_accounts':
        return signer.accounts(false)
      case 'eth_requestAccounts':
        return signer.accounts(true)
      case 'eth_sendTransaction':
        return send(params[0], signal)
      case 'eth_signTransaction':
        return sign(params[0], current, signal)
      case 'personal_sign':
        return signer.signMessage(params[0], await isOwn(params[1]))
      case 'eth_signTypedData_v4':
        return signer.signTypedData(await isOwn(params[0]), params[1])
      case 'wallet_switchEthereumChain':
        return switchChain(params[0])
      case 'eth_subscribe':
        return subscribe(params)
      case 'eth_unsubscribe':
        return unsubscribe(params[0])
      case 'eth_estimateGas':
        // Whoever estimates is about to send: what the transaction lacks travels with it.
        remembered.prefetch(current, params[0])
        return current.request({ method, params }, { signal })
      default:
        return current.request({ method, params }, { signal })
    }
  }

  /** Whether the mixnet carries is known from what was asked through it. */
  const note = (error?: unknown) => {
    const found = error === undefined ? undefined : findVeilcastError(error)
    const isDown = found?.code === providerCodes.disconnected && !/^aborted/.test(found.errorName)
    if (error !== undefined && !isDown) return
    if (isConnected === !isDown) return
    isConnected = !isDown
    if (isDown) events.emit('disconnect', toProviderError(error))
    else events.emit('connect', { chainId: chainIdOf(current) })
  }

  const provider: Eip1193Provider = {
    // web3 knows a provider by this being an async function.
    async request({ method, params = [] }, { signal } = {}) {
      try {
        if (typeof method !== 'string') throw invalidRequest('method is a string.')
        if (!Array.isArray(params)) throw invalidRequest('params is a list.')
        const result = await answer(method, params, signal)
        note()
        return result
      } catch (error) {
        note(error)
        throw toProviderError(error)
      }
    },
    on(event, hear) {
      events.on(event, hear)
      return provider
    },
    removeListener(event, hear) {
      events.removeListener(event, hear)
      return provider
    },
    stop() {
      for (const subscription of subscriptions.values()) subscription.stop()
      subscriptions.clear()
      inner?.removeListener?.('accountsChanged', tellAccounts)
    },
  }
  const inner = 'request' in options.signer ? options.signer : undefined
  const tellAccounts = (accounts: unknown) => events.emit('accountsChanged', accounts)
  inner?.on?.('accountsChanged', tellAccounts)
  return provider
}

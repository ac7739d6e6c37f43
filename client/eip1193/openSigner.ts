import type { TransactionFields } from '../evm/fillTransaction.ts'
import { readHex, readQuantity } from '../evm/quantity.ts'
import { invalidRequest, ProviderRpcError, providerCodes, unauthorized } from './ProviderRpcError.ts'

/** What viem calls a local account, as `privateKeyToAccount` and `mnemonicToAccount` make it. */
export interface LocalSigner {
  readonly address: `0x${string}`
  // biome-ignore lint/suspicious/noExplicitAny: viem's parameters are generic; their shape is written below
  signTransaction(transaction: any): Promise<`0x${string}`>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  signMessage(parameters: any): Promise<`0x${string}`>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  signTypedData(parameters: any): Promise<`0x${string}`>
}

/** A wallet's provider that signs: it is asked for accounts and signatures, and for nothing that touches a network. */
export interface SigningProvider {
  request(args: { readonly method: string; readonly params?: unknown }): Promise<unknown>
  on?(event: string, hear: (...args: never[]) => void): unknown
  removeListener?(event: string, hear: (...args: never[]) => void): unknown
}

export interface Signer {
  /** @param ask may ask the user */
  accounts(ask: boolean): Promise<readonly string[]>
  /** Every field is there. */
  signTransaction(transaction: TransactionFields): Promise<string>
  /** As `personal_sign` and `eth_signTypedData_v4` have it. */
  signMessage(message: unknown, address: string): Promise<unknown>
  signTypedData(address: string, typedData: unknown): Promise<unknown>
}

export function openSigner(signer: LocalSigner | SigningProvider): Signer {
  return 'request' in signer ? askProvider(signer) : signHere(signer)
}

function signHere(account: LocalSigner): Signer {
  const own = (address: string) => {
    if (address.toLowerCase() !== account.address.toLowerCase()) throw unauthorized()
  }
  return {
    accounts: async () => [account.address],
    async signTransaction(transaction) {
      own(String(transaction.from))
      return account.signTransaction(toSerializable(transaction))
    },
    async signMessage(message, address) {
      own(address)
      if (typeof message !== 'string') throw invalidRequest('The message is a string.')
      return account.signMessage({ message: readHex(message) ? { raw: message } : message })
    },
    async signTypedData(address, typedData) {
      own(address)
      return account.signTypedData(typeof typedData === 'string' ? parseJson(typedData) : typedData)
    },
  }
}

function askProvider(provider: SigningProvider): Signer {
  const ask = (method: string, params: readonly unknown[]) => provider.request({ method, params })
  return {
    async accounts(askUser) {
      const accounts = await ask(askUser ? 'eth_requestAccounts' : 'eth_accounts', [])
      return Array.isArray(accounts) ? accounts.filter((one) => typeof one === 'string') : []
    },
    async signTransaction(transaction) {
      const signed = await ask('eth_signTransaction', [transaction])
      // Hex, or as geth has it.
      const raw = typeof signed === 'string' ? signed : (signed as { readonly raw?: unknown } | null)?.raw
      if (typeof raw !== 'string' || !readHex(raw)) {
        throw new ProviderRpcError(providerCodes.unsupportedMethod, 'The signer gave no signed transaction.')
      }
      return raw
    },
    signMessage: (message, address) => ask('personal_sign', [message, address]),
    signTypedData: (address, typedData) => ask('eth_signTypedData_v4', [address, typedData]),
  }
}

const typeNames: Readonly<Record<string, string>> = {
  '0x0': 'legacy',
  '0x1': 'eip2930',
  '0x2': 'eip1559',
  '0x4': 'eip7702',
}

/** viem's TransactionSerializable. */
function toSerializable(transaction: TransactionFields): Record<string, unknown> {
  const { type, chainId, nonce, input, to, accessList, authorizationList } = transaction
  const serializable: Record<string, unknown> = {
    type: typeNames[String(type)],
    chainId: Number(readQuantity(chainId)),
    nonce: Number(readQuantity(nonce)),
    data: input,
    ...(to ? { to } : {}),
    ...(accessList ? { accessList } : {}),
  }
  for (const name of ['gas', 'value', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas']) {
    if (transaction[name] !== undefined) serializable[name] = readQuantity(transaction[name])
  }
  if (Array.isArray(authorizationList)) {
    serializable.authorizationList = authorizationList.map((one: TransactionFields) => ({
      ...one,
      ...Object.fromEntries(
        ['chainId', 'nonce', 'yParity'].map((name) => [name, Number(readQuantity(one[name]))]),
      ),
    }))
  }
  return serializable
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidRequest('The typed data is no JSON.')
  }
}

import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'
import { EvmNodeError } from '../evm/EvmNodeError.ts'

/** Source: EIP-1193, provider errors; EIP-3326 for 4902. */
export const providerCodes = {
  userRejected: 4001,
  unauthorized: 4100,
  unsupportedMethod: 4200,
  disconnected: 4900,
  chainDisconnected: 4901,
  unknownChain: 4902,
} as const

/** What the provider throws. `cause` is the VeilcastError behind it, where there is one. */
export class ProviderRpcError extends Error {
  override readonly name = 'ProviderRpcError'
  /** EIP-1193's or JSON-RPC's. */
  readonly code: number
  /**
   * Of a revert its bytes in hex; else, where a VeilcastError is behind it, `{ errorName, outcome, retry }`: libraries that
   * build errors of their own keep it, and drop the cause.
   */
  readonly data: unknown

  constructor(code: number, message: string, options: { data?: unknown; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    if (options.data !== undefined) this.data = options.data
  }
}

/** Anything thrown below, in a provider's terms. Errors of the signer's own keep their code. */
export function toProviderError(error: unknown): ProviderRpcError {
  if (error instanceof ProviderRpcError) return error
  const cause = findVeilcastError(error)
  if (error instanceof EvmNodeError) {
    const code = error.code === -32601 ? providerCodes.unsupportedMethod : error.code
    return new ProviderRpcError(code, error.message, { data: error.data, cause: error.cause ?? error })
  }
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return new ProviderRpcError(
    typeof code === 'number' ? code : -32000,
    typeof message === 'string' ? message : 'The request failed.',
    { cause: cause ?? error },
  )
}

export function unauthorized(): ProviderRpcError {
  return new ProviderRpcError(providerCodes.unauthorized, 'The account is not one of the signer.')
}

export function invalidRequest(details: string): ProviderRpcError {
  return new ProviderRpcError(-32602, details, { cause: new VeilcastError('invalidArgument', { details }) })
}

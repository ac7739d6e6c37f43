import { type ErrorName, findVeilcastError, VeilcastError } from '@veilcast/shared/errors'

/**
 * What an Ethereum node would say, so that libraries which know errors by code and wording find their own. `cause` is the
 * VeilcastError behind it, where there is one: `findVeilcastError` finds it, also under what a library wraps around.
 */
export class EvmNodeError extends Error {
  override readonly name = 'EvmNodeError'
  /** JSON-RPC code. */
  readonly code: number
  /** Bytes of a revert in hex; the hash for a wait that ran out (EIP-7966); else what the VeilcastError says, as JSON can. */
  readonly data: unknown

  constructor(code: number, message: string, options: { data?: unknown; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    if (options.data !== undefined) this.data = options.data
  }
}

/** Wordings of geth's, by which viem and ethers tell refusals apart. */
const wordings: { readonly [name in ErrorName]?: string } = {
  insufficientFunds: 'insufficient funds for gas * price + value',
  nonceUsed: 'nonce too low',
  feeTooLow: 'max fee per gas less than block base fee',
  gasLimitTooHigh: 'exceeds block gas limit (gas limit reached)',
  gasLimitTooLow: 'intrinsic gas too low',
  codeTooLarge: 'max initcode size exceeded',
  replacementUnderpriced: 'replacement transaction underpriced',
  unprotectedTransaction: 'only replay-protected (EIP-155) transactions allowed over RPC',
  unsupportedTransactionType: 'transaction type not supported',
}

/** Anything thrown on the way, in a node's terms. */
export function toNodeError(error: unknown, method: string): EvmNodeError {
  if (error instanceof EvmNodeError) return error
  const cause = findVeilcastError(error)
  if (!cause) return new EvmNodeError(-32000, 'The request failed.', { cause: error })
  if (cause.errorName === 'methodNotAllowed') return methodRefused(method, cause)
  if (cause.code === 3) return reverted(cause)
  const wording = wordings[cause.errorName]
  const said = [cause.shortMessage, ...(cause.details ? [cause.details] : [])].join(' ')
  return new EvmNodeError(cause.code, wording ? `${wording}: ${said}` : said, {
    data: { errorName: cause.errorName, outcome: cause.outcome, retry: cause.retry },
    cause,
  })
}

/** JSON-RPC's "method not found", in the words by which ethers knows it. */
export function methodRefused(method: string, cause?: unknown): EvmNodeError {
  const name = /^[\w]{1,64}$/.test(method) ? method : 'asked for'
  return new EvmNodeError(-32601, `the method ${name} does not exist/is not available`, {
    cause: cause ?? new VeilcastError('methodNotAllowed'),
  })
}

export function invalidParams(details: string): EvmNodeError {
  return new EvmNodeError(-32602, `invalid params: ${details}`, {
    cause: new VeilcastError('invalidArgument', { details }),
  })
}

/** `OffchainLookup(address,string[],bytes,bytes4,bytes)`, EIP-3668. */
const offchainLookup = '0x556f1830'
const errorString = '0x08c379a0'
const maxReasonCharacters = 256

function reverted(cause: VeilcastError): EvmNodeError {
  const { data } = cause as { readonly data?: unknown }
  const hex = typeof data === 'string' ? data : '0x'
  if (hex.startsWith(offchainLookup)) {
    // A library that sees these bytes fetches the URLs in them, past the mixnet.
    return new EvmNodeError(3, 'execution reverted: off-chain look-ups (EIP-3668) would leave the mixnet', {
      cause: new VeilcastError(cause.errorName, {
        details: 'The contract asks for an off-chain look-up (EIP-3668), which would leave the mixnet.',
      }),
    })
  }
  const reason = readReason(hex)
  return new EvmNodeError(3, reason ? `execution reverted: ${reason}` : 'execution reverted', {
    data: hex,
    cause,
  })
}

/** The text of `Error(string)`. */
function readReason(hex: string): string | undefined {
  if (!hex.startsWith(errorString)) return undefined
  const length = Number.parseInt(hex.slice(10 + 64, 10 + 128), 16)
  const text = hex.slice(10 + 128, 10 + 128 + 2 * length)
  if (!Number.isSafeInteger(length) || text.length !== 2 * length) return undefined
  const bytes = Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
  return new TextDecoder().decode(bytes).slice(0, maxReasonCharacters)
}

import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'

/**
 * The error object of a CometBFT node's JSON-RPC answer: `code`, `shortMessage` (its `message`) and `data`. Its `cause` is the
 * VeilcastError that says what happened, whether a transaction could still land and what to do next.
 */
export class CometRpcError extends Error {
  override readonly name = 'CometRpcError'
  readonly code: number
  readonly shortMessage: string
  readonly data: string

  constructor(code: number, shortMessage: string, data: string, cause: unknown) {
    super(`${shortMessage}: ${data}`, { cause })
    this.code = code
    this.shortMessage = shortMessage
    this.data = data
  }
}

const methodNotFound = -32601
const invalidParams = -32602
const internalError = -32603

/** As CometBFT says it of a hash that is in no block. */
export function txNotFound(hash: string): CometRpcError {
  const cause = new VeilcastError('readFailed', {
    values: { code: -internalError },
    details: 'The transaction is in no block that was seen.',
  })
  return new CometRpcError(internalError, 'Internal error', `tx (${hash}) not found`, cause)
}

export function paramsInvalid(details: string): CometRpcError {
  const cause = new VeilcastError('invalidArgument', { details })
  return new CometRpcError(invalidParams, 'Invalid params', details, cause)
}

/** What a node's JSON-RPC server would have said, by the number of ours. */
export function toCometRpcError(error: unknown): CometRpcError {
  if (error instanceof CometRpcError) return error
  const found =
    findVeilcastError(error) ?? new VeilcastError('internal', { outcome: 'unknown', cause: error })
  const said = [found.shortMessage, found.details ?? '', ...found.metaMessages].filter(Boolean).join(' ')
  switch (found.errorName) {
    case 'methodNotAllowed':
      return new CometRpcError(methodNotFound, 'Method not found', said, found)
    case 'invalidParams':
    case 'invalidArgument':
      return new CometRpcError(invalidParams, 'Invalid params', said, found)
    case 'readFailed':
      return new CometRpcError(-Number(found.values.code) || internalError, 'Internal error', said, found)
    default:
      return new CometRpcError(found.code, 'Server error', said, found)
  }
}

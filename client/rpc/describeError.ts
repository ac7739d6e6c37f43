import { findVeilcastError, VeilcastError } from '@veilcast/shared/errors'

/** JSON-RPC's error object. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** A fault of whoever asked, in JSON-RPC's own terms. */
export class RpcFault extends Error {
  override readonly name = 'RpcFault'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export const parseError: RpcError = { code: -32700, message: 'Parse error: the body is no JSON.' }
export const invalidRequest = (message: string): RpcError => ({ code: -32600, message })

/**
 * An error as a chain's libraries expect it: what its node object says, and what became of the request as `data`, unless that
 * holds a revert.
 * @param family CometBFT's clients take a text as `data`, and nothing else.
 */
export function describeError(error: unknown, family: 'evm' | 'cosmos'): RpcError {
  if (error instanceof RpcFault) return { code: error.code, message: error.message }
  const found = findVeilcastError(error)
  const told = toldByNode(error)
  if (!found) return told ?? describeError(new VeilcastError('internal', unknownCause), family)
  const { code, message } = told ?? {
    code: found.code,
    message: found.details ? `${found.shortMessage} ${found.details}` : found.shortMessage,
  }
  const data = told?.data ?? ('data' in found ? found.data : undefined)
  if (typeof data === 'string' && data !== '') return { code, message, data }
  const { errorName: name, outcome, retry, docsPath: docs } = found
  if (family === 'evm') return { code, message, data: { name, outcome, retry, docs } }
  return { code, message, data: `${name}. Outcome: ${outcome}. Retry: ${retry}. ${docs}` }
}

const unknownCause = {
  outcome: 'unknown',
  details: 'The endpoint met an error that it does not know.',
} as const

/** The words of the chain's node object: a whole number and a text that it built. System errors have no such code. */
function toldByNode(error: unknown): RpcError | undefined {
  if (!(error instanceof Error) || error instanceof VeilcastError) return undefined
  const { code, shortMessage, message, data } = error as Error & Readonly<Record<string, unknown>>
  if (typeof code !== 'number' || !Number.isInteger(code)) return undefined
  const said = typeof shortMessage === 'string' ? shortMessage : message
  return { code, message: said, ...(data === undefined ? {} : { data }) }
}

/** The HTTP status and gRPC's number with which a Cosmos REST server would tell an error. */
export function describeRestError(error: unknown): { status: number; body: object } {
  if (error instanceof RpcFault) return rest(400, 3, error.message)
  const found = findVeilcastError(error) ?? new VeilcastError('internal', unknownCause)
  const message = describeError(found, 'evm').message
  const { errorName, outcome, retry, docsPath } = found
  const details = [{ name: errorName, outcome, retry, docs: docsPath }]
  switch (errorName) {
    case 'replyTimeout':
      return rest(504, 4, message, details)
    case 'methodNotAllowed':
      return rest(501, 12, message, details)
    case 'chainNotServed':
      return rest(404, 5, message, details)
    default:
      if (found.code === -32602) return rest(400, 3, message, details)
      if (found.code === -32003) return rest(400, 9, message, details)
      return rest(503, 14, message, details)
  }
}

function rest(status: number, code: number, message: string, details: readonly object[] = []) {
  return { status, body: { code, message, details } }
}

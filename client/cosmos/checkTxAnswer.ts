import type { ErrorName, VeilcastError } from '@veilcast/shared/errors'

/** What a node answers to a transaction that its CheckTx refused. */
export interface CheckTxAnswer {
  /** Of the application; never 0. */
  readonly code: number
  readonly codespace: string
  /** The application's name of the code, then our own words: never what a node wrote. */
  readonly log: string
}

type Registered = readonly [code: number, name: string]

const unauthorized: Registered = [4, 'unauthorized']
const insufficientFunds: Registered = [5, 'insufficient funds']
const insufficientFee: Registered = [13, 'insufficient fee']
const mempoolIsFull: Registered = [20, 'mempool is full']
const wrongSequence: Registered = [32, 'incorrect account sequence']

/** Codes and names of the codespace `sdk` (cosmos-sdk types/errors/errors.go). */
const registered: { readonly [name in ErrorName]?: Registered } = {
  malformedTransaction: [2, 'tx parse error'],
  nonCanonicalTransaction: [2, 'tx parse error'],
  invalidSignature: unauthorized,
  cosmosUnauthorized: unauthorized,
  insufficientFunds,
  cosmosInsufficientFunds: insufficientFunds,
  cosmosOutOfGas: [11, 'out of gas'],
  cosmosMemoTooLarge: [12, 'memo too large'],
  feeTooLow: insufficientFee,
  cosmosFeeTooLow: insufficientFee,
  tooManySigners: [14, 'maximum number of signatures exceeded'],
  backlogFull: mempoolIsFull,
  accountBacklogFull: mempoolIsFull,
  transactionTooLarge: [21, 'tx too large'],
  nonceUsed: wrongSequence,
  sequenceGap: wrongSequence,
  cosmosWrongSequence: wrongSequence,
}

/** Undefined where the error is no verdict on the transaction: no node would have had an answer either. */
export function checkTxAnswer(error: VeilcastError): CheckTxAnswer | undefined {
  const words = [error.shortMessage, ...error.metaMessages].join(' ')
  if (error.errorName === 'endpointRejected') {
    // Code 0 would say that all is well.
    return { code: Number(error.values.code) || 1, codespace: error.label || 'undefined', log: words }
  }
  const row = registered[error.errorName]
  if (!row) return undefined
  const [code, name] = row
  const { expected, got } = error.values
  const mismatch =
    row === wrongSequence ? `account sequence mismatch, expected ${expected}, got ${got}: ` : ''
  return { code, codespace: 'sdk', log: `${mismatch}${name}: ${words}` }
}

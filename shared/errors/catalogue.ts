/**
 * Every error that Veilcast can give, in one table. The error classes, the numbers on the wire, the JSON-RPC codes and
 * docs/errors.md derive from it. Each row answers three questions:
 *   what happened         `text`, built here from typed values: a node's own words never cross the wire
 *   could it still land   `outcome`: `notSent` (safe to sign again), `unknown` (ask again before you sign again) or
 *                         `onChain` (it is decided there); the reply's own outcome wins over the row's
 *   what to do next       `retry`: `never` as it is, `sameRequest` now, `later`, `otherBroadcaster`, and `fix` in words
 *
 * Numbers below 1000 travel on the wire and are never given to another row; those from 1000 are the client's own.
 */

export type Outcome = 'notSent' | 'unknown' | 'onChain'
export type Retry = 'never' | 'sameRequest' | 'later' | 'otherBroadcaster'

export interface ErrorRow {
  readonly number: number
  readonly outcome: Outcome
  readonly retry: Retry
  /** JSON-RPC code (EIP-1474 and EIP-1193). Not -1, -32603, -32005, -32007 or 429, which viem retries by itself. */
  readonly rpcCode: number
  /** Names of the unsigned 64-bit values that travel with it, in wire order, at most 4. */
  readonly values: readonly string[]
  /** Shown with `{name}` replaced by the value of that name, and `{label}` by the label (a Cosmos codespace). */
  readonly text: string
  readonly fix: string
}

const invalid = -32602
const rejected = -32003
const unavailable = -32002

export const catalogue = {
  // The message
  malformedMessage: row(
    1,
    'notSent',
    'never',
    invalid,
    [],
    'The broadcaster could not read the message.',
    'Build the message as SPEC.md says.',
  ),
  unsupportedVersion: row(
    2,
    'notSent',
    'otherBroadcaster',
    invalid,
    ['supported'],
    'The broadcaster speaks protocol version {supported}.',
    'Use another broadcaster, or a client of that version.',
  ),
  unknownKind: row(
    3,
    'notSent',
    'otherBroadcaster',
    invalid,
    [],
    'The broadcaster does not know this kind of message.',
    'Use another broadcaster.',
  ),
  messageTooLarge: row(
    4,
    'notSent',
    'never',
    invalid,
    ['limitBytes', 'sizeBytes'],
    'The message has {sizeBytes} bytes; the broadcaster takes {limitBytes}.',
    'Send a smaller transaction: no broadcaster takes longer messages.',
  ),
  requestIdReused: row(
    5,
    'unknown',
    'never',
    invalid,
    [],
    'This request id was used for another transaction.',
    'Draw a new random request id for each request.',
  ),
  busy: row(
    6,
    'notSent',
    'later',
    unavailable,
    ['retryAfterMs'],
    'The broadcaster has no room at the moment.',
    'Try again later, or use another broadcaster.',
  ),
  storeUnavailable: row(
    7,
    'unknown',
    'otherBroadcaster',
    unavailable,
    [],
    'The broadcaster cannot reach its store.',
    'Submit the same signed transaction again, or to another broadcaster.',
  ),
  unknownRequest: row(
    8,
    'unknown',
    'sameRequest',
    unavailable,
    [],
    'The broadcaster knows no such request.',
    'Submit the same signed transaction again: it is on chain once, however often it is sent.',
  ),
  // Admission
  chainNotServed: row(
    20,
    'notSent',
    'otherBroadcaster',
    -32001,
    [],
    'The broadcaster does not serve this chain.',
    'Ask for its chains with info, or use another broadcaster.',
  ),
  noLiveEndpoint: row(
    21,
    'notSent',
    'otherBroadcaster',
    unavailable,
    [],
    'The broadcaster has no live endpoint for this chain.',
    'Use another broadcaster, or try again later.',
  ),
  notAfterPassed: row(
    22,
    'notSent',
    'never',
    rejected,
    ['notAfter', 'now'],
    'The transaction was to be sent by {notAfter}; it was {now} (seconds since 1970).',
    'Submit with a later notAfter, or check the clock.',
  ),
  notAfterTooFar: row(
    23,
    'notSent',
    'never',
    invalid,
    ['maxSeconds'],
    'notAfter lies more than {maxSeconds} seconds ahead.',
    'Submit with an earlier notAfter.',
  ),
  backlogFull: row(
    24,
    'notSent',
    'otherBroadcaster',
    unavailable,
    ['waiting', 'limit'],
    'The broadcaster has {waiting} transactions waiting; it takes {limit}.',
    'Use another broadcaster, or try again later.',
  ),
  accountBacklogFull: row(
    25,
    'notSent',
    'later',
    unavailable,
    ['waiting', 'limit'],
    'This account has {waiting} transactions waiting; the broadcaster takes {limit}.',
    'Wait until some of them are included.',
  ),
  // The transaction
  malformedTransaction: row(
    40,
    'notSent',
    'never',
    invalid,
    [],
    'The bytes are no signed transaction of this chain family.',
    'Sign and serialise the transaction again.',
  ),
  nonCanonicalTransaction: row(
    41,
    'notSent',
    'never',
    invalid,
    [],
    'The transaction is not in its canonical encoding (trailing bytes, long integers or a high s).',
    'Sign and serialise the transaction again.',
  ),
  wrongChainId: row(
    42,
    'notSent',
    'never',
    invalid,
    ['expected', 'got'],
    'The transaction is signed for chain {got}, not {expected}.',
    'Submit it to the chain that it is signed for.',
  ),
  invalidSignature: row(
    43,
    'notSent',
    'never',
    invalid,
    [],
    'The signature is not valid.',
    'Sign the transaction again.',
  ),
  unprotectedTransaction: row(
    44,
    'notSent',
    'never',
    invalid,
    [],
    'The transaction names no chain id (before EIP-155): it could be replayed elsewhere.',
    'Sign it with a chain id.',
  ),
  unsupportedTransactionType: row(
    45,
    'notSent',
    'otherBroadcaster',
    invalid,
    ['type'],
    'The broadcaster takes no transactions of type {type}.',
    'Use another type, or another broadcaster.',
  ),
  blobSidecarMissing: row(
    46,
    'notSent',
    'never',
    invalid,
    [],
    'A blob transaction is submitted with its sidecar.',
    'Serialise it with blobs, commitments and proofs.',
  ),
  transactionTooLarge: row(
    47,
    'notSent',
    'otherBroadcaster',
    invalid,
    ['limitBytes', 'sizeBytes'],
    'The transaction has {sizeBytes} bytes; the broadcaster takes {limitBytes} on this chain.',
    'Use another broadcaster, or a smaller transaction.',
  ),
  tooManySigners: row(
    48,
    'notSent',
    'otherBroadcaster',
    invalid,
    ['limit', 'got'],
    'The transaction has {got} signers; the broadcaster takes {limit}.',
    'Use fewer signers, or another broadcaster.',
  ),
  // What the broadcaster found before it showed the transaction to anyone
  insufficientFunds: row(
    60,
    'notSent',
    'later',
    rejected,
    [],
    'The account cannot pay for value and gas.',
    'Fund the account, or lower value or gas.',
  ),
  nonceUsed: row(
    61,
    'notSent',
    'never',
    rejected,
    ['expected', 'got'],
    'The nonce or sequence {got} is used; the next one is {expected}.',
    'Where the outcome is notSent sign again with the next one; else ask for its status first.',
  ),
  feeTooLow: row(
    62,
    'notSent',
    'later',
    rejected,
    ['requiredWei', 'offeredWei'],
    'The fee of {offeredWei} wei per gas, or per blob gas, lies under the base fee of {requiredWei}.',
    'Sign again with a higher fee, or wait for a lower base fee.',
  ),
  gasLimitTooHigh: row(
    63,
    'notSent',
    'never',
    rejected,
    ['limit', 'got'],
    'The gas limit of {got} is above the {limit} of a block.',
    'Sign again with a lower gas limit.',
  ),
  gasLimitTooLow: row(
    64,
    'notSent',
    'never',
    rejected,
    ['required', 'got'],
    'The gas limit of {got} is below the {required} that the transaction needs before it runs.',
    'Sign again with a higher gas limit.',
  ),
  codeTooLarge: row(
    65,
    'notSent',
    'never',
    rejected,
    ['limitBytes', 'sizeBytes'],
    'The init code has {sizeBytes} bytes; the chain takes {limitBytes}.',
    'Deploy less code.',
  ),
  sequenceGap: row(
    66,
    'notSent',
    'later',
    rejected,
    ['expected', 'got'],
    'The transaction has number {got}, and {expected} never came.',
    'Send what is missing, then this one again.',
  ),
  lapsed: row(
    67,
    'notSent',
    'later',
    rejected,
    ['notAfter'],
    'Its notAfter ({notAfter}, seconds since 1970) passed before it was included.',
    'Where the outcome is notSent sign again; else ask for its status first.',
  ),
  // What an endpoint said after it had the bytes: it may still land
  endpointRejected: row(
    80,
    'unknown',
    'later',
    rejected,
    ['code'],
    'An endpoint refused the transaction (code {code} {label}); it may have passed it on.',
    'Ask for its status before you sign again.',
  ),
  replacementUnderpriced: row(
    81,
    'unknown',
    'later',
    rejected,
    [],
    'An endpoint holds another transaction with this nonce and a higher fee.',
    'Sign again with a fee at least 10 % higher, with the same nonce.',
  ),
  cosmosOutOfGas: row(
    82,
    'unknown',
    'later',
    rejected,
    ['code'],
    'The chain refused it before delivery: out of gas.',
    'Sign again with a higher gas limit and the same sequence.',
  ),
  cosmosFeeTooLow: row(
    83,
    'unknown',
    'later',
    rejected,
    ['code'],
    'The chain refused it before delivery: the fee is too low.',
    'Sign again with a higher fee and the same sequence.',
  ),
  cosmosWrongSequence: row(
    84,
    'unknown',
    'later',
    rejected,
    ['expected', 'got'],
    'The chain expects sequence {expected}; the transaction has {got}.',
    'Sign again with the expected sequence.',
  ),
  cosmosUnauthorized: row(
    85,
    'unknown',
    'never',
    rejected,
    ['code'],
    'The chain refused its signature: wrong key, account number, sequence or chain id.',
    'Sign again for this chain with the account number and sequence that it tells.',
  ),
  cosmosInsufficientFunds: row(
    86,
    'unknown',
    'later',
    rejected,
    ['code'],
    'The chain refused it before delivery: the account cannot pay.',
    'Fund the account, then sign again with the same sequence.',
  ),
  cosmosMemoTooLarge: row(
    87,
    'unknown',
    'never',
    rejected,
    ['code'],
    'The chain refused it before delivery: the memo is too long.',
    'Sign again with a shorter memo and the same sequence.',
  ),
  // Ends on chain (100 and 101 stood for a failed execution, which is a receipt and no error: they stay unused)
  replaced: row(
    102,
    'onChain',
    'never',
    rejected,
    ['height'],
    'Another transaction with the same number is in block {height}.',
    'It can never land; sign the next one.',
  ),
  // Reads
  methodNotAllowed: row(
    120,
    'notSent',
    'never',
    4200,
    [],
    'The broadcaster does not answer this method.',
    'Use a read that it answers, or another broadcaster.',
  ),
  invalidParams: row(
    121,
    'notSent',
    'never',
    invalid,
    [],
    'The parameters do not fit the method.',
    'Correct the parameters.',
  ),
  readFailed: row(
    122,
    'notSent',
    'later',
    -32000,
    ['code'],
    'The node answered the read with an error (code {code}).',
    'Correct the parameters, or try again.',
  ),
  answerTooLarge: row(
    123,
    'notSent',
    'never',
    -32000,
    ['sizeBytes', 'limitBytes'],
    'The answer has {sizeBytes} bytes; {limitBytes} fit.',
    'Ask for less, or attach more SURBs.',
  ),
  callReverted: row(
    124,
    'notSent',
    'never',
    3,
    [],
    'The contract reverted the call.',
    'Its reason is in the data of this error, in the contract’s own encoding.',
  ),
  rangeTooWide: row(
    125,
    'notSent',
    'never',
    invalid,
    ['blocks', 'limitBlocks'],
    'The range has {blocks} blocks; the broadcaster looks through {limitBlocks} at once.',
    'Ask for parts of it, one after the other.',
  ),
  internal: row(
    199,
    'unknown',
    'later',
    -32000,
    [],
    'Something went wrong inside the broadcaster.',
    'Ask for its status, or use another broadcaster.',
  ),
  // The client's own
  invalidArgument: row(1000, 'notSent', 'never', invalid, [], 'An argument is not valid.', 'See details.'),
  replyTimeout: row(
    1001,
    'unknown',
    'sameRequest',
    unavailable,
    ['waitedMs'],
    'No answer came within {waitedMs} ms.',
    'Ask again: submit the same signed transaction, or ask for its status, and never sign another one before.',
  ),
  aborted: row(
    1002,
    'unknown',
    'sameRequest',
    4900,
    [],
    'The wait was aborted.',
    'Ask again: submit the same signed transaction, or ask for its status.',
  ),
  abortedBeforeSending: row(
    1003,
    'notSent',
    'sameRequest',
    4900,
    [],
    'Aborted before anything was sent.',
    'Submit it again when you like.',
  ),
  mixnetUnavailable: row(
    1004,
    'notSent',
    'later',
    4900,
    [],
    'The mixnet cannot be reached; nothing was sent.',
    'Check the connection to the Nym gateway.',
  ),
  clientStopped: row(
    1005,
    'unknown',
    'sameRequest',
    4900,
    [],
    'The client was stopped while it waited.',
    'Start it and ask again: submit the same signed transaction, or ask for its status.',
  ),
  tooManyPending: row(
    1006,
    'notSent',
    'later',
    unavailable,
    ['limit'],
    '{limit} requests are waiting already.',
    'Wait for some of them.',
  ),
  notStarted: row(1007, 'notSent', 'never', 4900, [], 'The client is not started.', 'Call start() first.'),
  journalUnavailable: row(
    1008,
    'notSent',
    'later',
    unavailable,
    [],
    "The wallet's journal cannot be read or written.",
    'Make room in its storage, resume what is unfinished there, or submit with journal: false.',
  ),
} as const satisfies Record<string, ErrorRow>

export type ErrorName = keyof typeof catalogue

function row<const V extends readonly string[]>(
  number: number,
  outcome: Outcome,
  retry: Retry,
  rpcCode: number,
  values: V,
  text: string,
  fix: string,
) {
  return { number, outcome, retry, rpcCode, values, text, fix } as const
}

const byNumber = new Map<number, ErrorName>(
  (Object.keys(catalogue) as ErrorName[]).map((name) => [catalogue[name].number, name]),
)

/** The row's name, or undefined for a number of a later version of the catalogue. */
export function errorNameOf(number: number): ErrorName | undefined {
  return byNumber.get(number)
}

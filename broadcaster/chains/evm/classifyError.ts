import { type WireError, wireError } from '@veilcast/shared/errors'
import type { Handed } from '../ChainAdapter.ts'
import type { JsonRpcProblem } from '../endpoints/jsonRpc.ts'

/**
 * What a node's refusal of eth_sendRawTransaction means. Its words never leave this file: what travels is our own word for
 * them, as the label of `endpointRejected`.
 */
export function classifyError(problem: JsonRpcProblem): Handed {
  const meaning = meaningOf(problem)
  switch (meaning) {
    case 'alreadyKnown':
      return { kind: 'taken' }
    case 'nonceTooLow':
      return { kind: 'used', expected: nextNonceIn(problem.nodeMessage) }
    case 'unavailable':
      return { kind: 'unavailable' }
    case 'replacementUnderpriced':
      return { kind: 'rejected', error: wireError('replacementUnderpriced') }
    default: {
      // Codes of JSON-RPC are negative; values on the wire are not.
      const code = Math.abs(problem.code ?? 0)
      return { kind: 'rejected', error: wireError('endpointRejected', { code }, { label: meaning }) }
    }
  }
}

/**
 * What a refused call or estimate means to a wallet, where that has a row of its own; undefined for the rest.
 * @param nonce the call's own
 */
export function classifyCallError(problem: JsonRpcProblem, nonce: bigint): WireError | undefined {
  switch (meaningOf(problem)) {
    case 'insufficientFunds':
      return wireError('insufficientFunds')
    case 'nonceTooLow':
      return wireError('nonceUsed', { expected: nextNonceIn(problem.nodeMessage) ?? 0n, got: nonce })
    default:
      return undefined
  }
}

function meaningOf(problem: JsonRpcProblem): Meaning {
  return phrases.find(({ says }) => says.test(problem.nodeMessage))?.means ?? 'other'
}

export type Meaning =
  | 'alreadyKnown'
  | 'nonceTooLow'
  | 'replacementUnderpriced'
  | 'unavailable'
  | 'insufficientFunds'
  | 'underpriced'
  | 'gasLimitTooLow'
  | 'gasLimitTooHigh'
  | 'nonceTooHigh'
  | 'feeAboveNodeCap'
  | 'tooLarge'
  | 'accountLimit'
  | 'unsupportedType'
  | 'invalidSender'
  | 'other'

/**
 * In this order: some of the later ones are part of the earlier ones' words. The clients that say so stand beside each;
 * nearly all others repeat geth's words (op-geth, bor, bsc, coreth, nitro, zkSync, EVM-compatible Cosmos chains).
 */
const phrases: readonly { readonly says: RegExp; readonly means: Meaning }[] = [
  // geth, reth, erigon, besu | older geth, besu | Nethermind | anvil, Parity | erigon | Substrate (Frontier)
  {
    says: /already known|known transaction|AlreadyKnown|already imported|already exists|existing tx with same hash|AlreadyImported|already in (the )?(mem)?pool/i,
    means: 'alreadyKnown',
  },
  // geth, reth, anvil, besu, zkSync | Nethermind | Parity | Substrate (Frontier) | older nitro has one word for low and high
  { says: /nonce too low|OldNonce|nonce is too low|Pool\(Stale\)/i, means: 'nonceTooLow' },
  // geth, reth, anvil, besu | erigon | Nethermind | Nethermind: another one of this nonce | Parity | anvil, bundlers
  {
    says: /replacement transaction underpriced|could not replace existing tx|ReplacementNotAllowed|OwnNonceAlreadyUsed|another transaction with same nonce|replacement fee too low/i,
    means: 'replacementUnderpriced',
  },
  // geth, reth, erigon sub-pools | Parity | a node on its way | providers and proxies
  {
    says: /pool is full|pool full|too many transactions in the queue|syncing|not synced|timed? ?out|deadline exceeded|rate limit|request limit|too many requests|quota|service unavailable|bad gateway|gateway time|no (healthy )?(upstream|backend)|connection (refused|reset)|method.{0,64}not (found|supported|available|allowed)/i,
    means: 'unavailable',
  },
  // geth, reth, erigon, anvil | Nethermind | besu | older nitro | Parity
  {
    says: /insufficient funds|InsufficientFunds|upfront cost exceeds account balance|not enough funds|insufficient balance|overshot/i,
    means: 'insufficientFunds',
  },
  // geth | op-geth, reth | Nethermind (FeeTooLow, FeeTooLowToCompete) | besu | nitro | anvil, reth
  {
    says: /underpriced|fee too low|FeeTooLow|gas price (is )?(too low|below)|below (the )?(configured )?minimum|less than (the )?block base fee|lower than the block base fee|below base ?fee|tip (cap|required)|BLOB_GAS_PRICE_BELOW/i,
    means: 'underpriced',
  },
  // geth, reth, anvil | besu | Parity | geth: EIP-7623
  {
    says: /intrinsic gas (too low|exceeds)|gas is too low|insufficient gas|floor data gas/i,
    means: 'gasLimitTooLow',
  },
  // geth, reth, besu | Nethermind | Parity | EIP-7825 | anvil
  {
    says: /exceeds block gas limit|GasLimitExceeded|exceeds current gas limit|beyond limit|gas limit too high|intrinsic gas too high|gas uint64 overflow/i,
    means: 'gasLimitTooHigh',
  },
  // geth | Nethermind (NonceGap) | besu | erigon | geth: EIP-7702
  { says: /nonce too (high|distant|far)|NonceGap|nonce gap|gapped-nonce/i, means: 'nonceTooHigh' },
  // geth's --rpc.txfeecap, erigon | besu
  { says: /exceeds the configured cap|fee ?cap exceeded/i, means: 'feeAboveNodeCap' },
  // geth | all: EIP-3860
  { says: /oversized data|exceeds max(imum)? size|init ?code size|code size exceeded/i, means: 'tooLarge' },
  // geth: EIP-7702 and the pool's own limits
  {
    says: /in-flight transaction limit|account limit exceeded|authority already reserved/i,
    means: 'accountLimit',
  },
  // geth, reth | Nethermind | besu
  {
    says: /transaction type not supported|NotSupportedTxType|unsupported (transaction )?type|invalid transaction type/i,
    means: 'unsupportedType',
  },
  // geth | Nethermind | EIP-3607
  {
    says: /invalid sender|FailedToResolveSender|SenderIsContract|sender (is )?not an? eoa|invalid signature/i,
    means: 'invalidSender',
  },
]

/** geth: "nonce too low: next nonce 7, tx nonce 5"; "tx: 5 state: 7"; coreth: "current nonce (7)"; Nethermind: "Current nonce: 7". */
function nextNonceIn(message: string): bigint | undefined {
  const digits = /(?:(?:next|current|account) nonce|state):? \(?(\d{1,19})\b/i.exec(message)?.[1]
  return digits === undefined ? undefined : BigInt(digits)
}

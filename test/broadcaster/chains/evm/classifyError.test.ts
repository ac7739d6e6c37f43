import { describe, expect, it } from '@jest/globals'
import { errorNameOf } from '@veilcast/shared/errors'
import { JsonRpcProblem } from '../../../../broadcaster/dist/chains/endpoints/jsonRpc.js'
import { classifyError } from '../../../../broadcaster/dist/chains/evm/classifyError.js'

function meaning(message: string, code = -32000): string {
  const handed = classifyError(new JsonRpcProblem('rpcError', code, message))
  if (handed.kind === 'used') return `used ${handed.expected ?? '?'}`
  if (handed.kind !== 'rejected') return handed.kind
  const { number, outcome, values, label } = handed.error
  expect(outcome).toBe('unknown')
  const name = errorNameOf(number)
  if (name === 'endpointRejected') expect(values).toEqual([BigInt(Math.abs(code))])
  return label || String(name)
}

describe('classifyError', () => {
  it.each([
    ['geth', 'already known', 'taken'],
    ['geth', 'nonce too low: next nonce 7, tx nonce 5', 'used 7'],
    ['geth', 'nonce too low: address 0xabc, tx: 5 state: 7', 'used 7'],
    [
      'geth',
      'replacement transaction underpriced: new tx gas fee cap 1 <= 2 queued',
      'replacementUnderpriced',
    ],
    ['geth', 'txpool is full', 'unavailable'],
    ['geth', 'insufficient funds for gas * price + value: balance 0, tx cost 21000', 'insufficientFunds'],
    ['geth', 'transaction underpriced: gas tip cap 0, minimum needed 1', 'underpriced'],
    ['geth', 'max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1', 'underpriced'],
    ['geth', 'intrinsic gas too low: gas 20000, minimum needed 21000', 'gasLimitTooLow'],
    ['geth', 'insufficient gas for floor data gas cost: gas 1, minimum needed 2', 'gasLimitTooLow'],
    ['geth', 'exceeds block gas limit', 'gasLimitTooHigh'],
    ['geth', 'tx fee (1.20 ether) exceeds the configured cap (1.00 ether)', 'feeAboveNodeCap'],
    ['geth', 'oversized data: transaction size 200000, limit 131072', 'tooLarge'],
    ['geth', 'max initcode size exceeded: code size 50000, limit 49152', 'tooLarge'],
    ['geth', 'in-flight transaction limit reached for delegated accounts', 'accountLimit'],
    ['geth', 'account limit exceeded: pooled 16 txs', 'accountLimit'],
    ['geth', 'gapped-nonce tx from delegated accounts', 'nonceTooHigh'],
    ['geth', 'transaction type not supported', 'unsupportedType'],
    ['reth', 'transaction gas limit too high', 'gasLimitTooHigh'],
    ['erigon', 'ALREADY_EXISTS: already known', 'taken'],
    ['erigon', 'INTERNAL_ERROR: could not replace existing tx', 'replacementUnderpriced'],
    ['erigon', 'INTERNAL_ERROR: existing tx with same hash', 'taken'],
    ['nethermind', 'AlreadyKnown', 'taken'],
    ['nethermind', 'OldNonce, Current nonce: 7, nonce of rejected tx: 5', 'used 7'],
    ['nethermind', 'InsufficientFunds, Account balance: 0, cumulative cost: 21000', 'insufficientFunds'],
    ['nethermind', 'FeeTooLowToCompete', 'underpriced'],
    ['nethermind', 'ReplacementNotAllowed', 'replacementUnderpriced'],
    ['nethermind', 'NonceGap, Future nonce. Expected nonce: 5', 'nonceTooHigh'],
    ['nethermind', 'GasLimitExceeded', 'gasLimitTooHigh'],
    ['nethermind', 'SenderIsContract', 'invalidSender'],
    ['besu', 'Known transaction', 'taken'],
    ['besu', 'Nonce too low', 'used ?'],
    ['besu', 'Replacement transaction underpriced', 'replacementUnderpriced'],
    ['besu', 'Upfront cost exceeds account balance', 'insufficientFunds'],
    ['besu', 'Intrinsic gas exceeds gas limit', 'gasLimitTooLow'],
    ['besu', 'Transaction gas limit exceeds block gas limit', 'gasLimitTooHigh'],
    ['besu', 'Gas price below configured minimum gas price', 'underpriced'],
    ['besu', 'Nonce too distant from current sender nonce', 'nonceTooHigh'],
    ['anvil', 'transaction already imported', 'taken'],
    ['anvil', 'nonce too low', 'used ?'],
    ['anvil', 'Insufficient funds for gas * price + value', 'insufficientFunds'],
    ['parity', 'Transaction with the same hash was already imported.', 'taken'],
    ['frontier', 'submit transaction to pool failed: Pool(AlreadyImported(Any))', 'taken'],
    ['coreth', 'nonce too low: address 0xabc current nonce (7) > tx nonce (5)', 'used 7'],
    ['a provider', 'upstream request timed out', 'unavailable'],
    ['a provider', 'Your app has exceeded its request limit', 'unavailable'],
    ['nobody we know', 'computer says no https://node.example/key', 'other'],
  ])('%s: %s', (_client, message, expected) => {
    expect(meaning(message)).toBe(expected)
  })
})

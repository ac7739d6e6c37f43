import type { InspectedTx, SlotUse } from '../ChainAdapter.ts'
import { addressOf } from './account.ts'
import type { CometNode } from './cometNode.ts'
import { findTx } from './findTx.ts'
import { readAccount } from './readAccount.ts'
import { readStatus } from './readStatus.ts'

/**
 * Whether the first signer's sequence is above the transaction's by the state after `height`, while the node's index does not
 * hold the transaction. The index is a moment behind the state: `used` may be the transaction itself.
 *
 * @throws EndpointProblem
 */
export async function slotUse(
  node: CometNode,
  { txId, account, sequence }: InspectedTx,
  height: bigint | 'latest',
  { cometChainId, bech32Prefix }: { readonly cometChainId: string; readonly bech32Prefix: string },
  signal: AbortSignal,
): Promise<SlotUse> {
  const address = account && addressOf(account, bech32Prefix)
  if (address === undefined || sequence === undefined) return 'open'
  // Neither of the other answers names the chain.
  await readStatus(node, cometChainId, signal)
  const read = await readAccount(node, address, signal, height === 'latest' ? undefined : height)
  if (read.kind !== 'found' || read.sequence <= sequence) return 'open'
  return (await findTx(node, cometChainId, txId, signal)) ? 'landed' : 'used'
}
